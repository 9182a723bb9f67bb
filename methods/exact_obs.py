"""ExactOBS: L-OBS's layer-wise problem with the exact answer for the weights that remain, one shot or greedily."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from harness.methods.l_obs import LayerwiseOptimalBrainSurgeon, rows_of, saliencies
from harness.methods.layer_hessians import by_group, inverse_hessians, pruned_layers
from harness.pruning import Mask, Network, PrunedNetwork, Scores, Workbench, build, prune_least, state_of

_ENTRIES = 2**26
"""Entries of the rows' own matrices that are held at once: 512 MiB in float64, or one row's where that is more."""

_STEPS = 64
"""Weights that each row loses before its inverse is cut down to those left: a third of the work, all in all."""


@dataclass(frozen=True, kw_only=True)
class ExactOptimalBrainSurgeon(LayerwiseOptimalBrainSurgeon):
    """Prune each layer as L-OBS does, then refit what remains in every row exactly: u_F = w_F + H_FF^-1 H_FZ w_Z.

    F are a row's remaining weights and its bias, Z its pruned ones: u has the least error among all rows with these
    zeros, which L-OBS's updates by the first inverse do not reach. Hessian, damping, quotas and biases are L-OBS's.

    ``order``: ``one-shot`` is L-OBS's ranking, so that the two differ in the refit alone. ``greedy`` removes in each
    row the weight that costs least, updates the row's own inverse, and again; a layer's rows are merged by what each
    removal adds to the error. That is 2/3 rows D^3 operations a layer, a pass over the inverse for each weight: 1.1e13
    for AlexNet, over an hour of one core. It is for small networks, or a CUDA device where the run is on one.

    Not taken over from the published method: inputs read anew from the pruned layers before, quotas shared among layers
    by their errors, and weights of inputs that are always zero set to zero.
    """

    source = "Frantar & Alistarh 2022 (Optimal Brain Compression), Sec. 4, Algorithm 1 and its rows' merging"

    order: Literal["one-shot", "greedy"] = "one-shot"

    def pruned(self, bench: Workbench, network: Network, density: float) -> PrunedNetwork:
        """Return ``network`` with each layer pruned to ``density`` and its remaining weights refitted."""
        accelerator = accelerator_name(bench.device)
        inverses = bench.compute(inverse_hessians, network, bench.batches(self.images), self.damping)
        scores: Scores = saliencies(network, inverses)
        if self.order == "greedy":
            scores = bench.compute(removal_ranks, network, inverses, accelerator)
        mask = prune_least(scores, Mask.ones(network), density, "layer")
        state = bench.compute(refit, network, inverses, mask, accelerator)
        return PrunedNetwork(build(network.architecture, state), mask)


def accelerator_name(device: str) -> str | None:
    """Return the CUDA device's name, None for ``cpu``: an input of what is computed there, since it may change bits."""
    return torch.cuda.get_device_name() if device == "cuda" else None


def refit(
    network: Network, inverses: Mapping[str, Tensor], mask: Mask, accelerator: str | None = None
) -> dict[str, Tensor]:
    """Return the state of ``network`` pruned to ``mask``, each row's remaining weights and bias refitted exactly.

    Changes ``network``. Pruned weights are +0.0 exactly; the rest is rounded once, from float64. ``accelerator``: None
    computes on the CPU, a name on CUDA.
    """
    device = _device(accelerator)
    for name, layer in pruned_layers(network).items():
        pruned = ~mask[name].flatten(1).to(device)
        parts = by_group(inverses[name].to(device), rows_of(layer).to(device), pruned)
        rows = torch.cat([refitted_rows(rows, inverse, gone) for inverse, rows, gone in parts]).cpu()
        with torch.no_grad():
            layer.weight.copy_(rows[:, : pruned.shape[1]].view_as(layer.weight))
            if layer.bias is not None:
                layer.bias.copy_(rows[:, -1])
    mask.apply_(network)
    return state_of(network)


def refitted_rows(rows: Tensor, inverse: Tensor, pruned: Tensor) -> Tensor:
    """Return ``rows`` (rows, D) at the least 1/2 dw^T H dw that leaves ``pruned`` (rows, inputs) zero; float64.

    Solved for the remaining weights of a row, H_FF u_F = (H w)_F, where they are fewer, and for its pruned ones
    otherwise: u = w - H^-1_:Z (H^-1_ZZ)^-1 w_Z. H is the inverse of ``inverse``, damping included.
    """
    gone = torch.zeros_like(rows, dtype=torch.bool)
    gone[:, : pruned.shape[1]] = pruned
    few_left = (~gone).sum(1) < gone.sum(1)
    refitted = rows - within(inverse, gone & ~few_left.unsqueeze(1), rows) @ inverse
    if bool(few_left.any()):
        hessian = torch.cholesky_inverse(torch.linalg.cholesky(inverse))
        refitted[few_left] = within(hessian, ~gone[few_left], rows[few_left] @ hessian)
    return refitted.masked_fill_(gone, 0.0)


def within(matrix: Tensor, chosen: Tensor, right: Tensor) -> Tensor:
    """Return x (rows, D) with M_SS x_S = b_S for each row's own set S of ``chosen``, and zero outside of it.

    ``matrix`` M (D, D) symmetric and positive definite, ``right`` b (rows, D). Rows with about as many entries are
    solved together, the shorter ones filled up with rows of the identity.
    """
    solution = torch.zeros_like(right)
    counts = chosen.sum(1)
    for part in _parts(counts):
        size = int(counts[part].max())
        index = (~chosen[part]).to(torch.uint8).sort(dim=1, stable=True).indices[:, :size]
        filling = torch.arange(size, device=right.device) >= counts[part].unsqueeze(1)
        block = matrix[index.unsqueeze(2), index.unsqueeze(1)]
        block.masked_fill_(filling.unsqueeze(2) | filling.unsqueeze(1), 0.0)
        block.diagonal(dim1=1, dim2=2).add_(filling)
        values = right[part].gather(1, index).masked_fill_(filling, 0.0)
        found = torch.cholesky_solve(values.unsqueeze(2), torch.linalg.cholesky(block)).squeeze(2)
        solution[part] = torch.zeros_like(right[part]).scatter_(1, index, found)
    return solution


def _parts(counts: Tensor) -> Iterator[Tensor]:
    """Yield the indices of rows in the order of their counts, each part within the memory allowed; none for 0."""
    order = counts.argsort(descending=True, stable=True)
    order = order[counts[order] > 0]
    while len(order):
        held = max(1, _ENTRIES // int(counts[order[0]]) ** 2)
        yield order[:held]
        order = order[held:]


def removal_ranks(
    network: Network, inverses: Mapping[str, Tensor], accelerator: str | None = None
) -> dict[str, Tensor]:
    """Return when each weight of a layer goes, 0 for the first, in the weights' shapes; float64, by weight name."""
    device = _device(accelerator)
    ranks = {}
    for name, layer in pruned_layers(network).items():
        parts = by_group(inverses[name].to(device), rows_of(layer).to(device))
        traces = [one for inverse, rows in parts for one in _traces(rows, inverse, layer.weight[0].numel())]
        order, growth = (torch.cat(both) for both in zip(*traces, strict=True))
        ranks[name] = merged(order, growth).cpu().view(layer.weight.shape)
    return ranks


def _traces(rows: Tensor, inverse: Tensor, inputs: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the `trace` of a group's rows, as many at a time as the memory allowed holds."""
    for part in torch.split(rows, max(1, _ENTRIES // inverse.numel())):
        yield trace(part, inverse, inputs)


def trace(rows: Tensor, inverse: Tensor, inputs: int) -> tuple[Tensor, Tensor]:
    """Return (order, growth) of greedily removing the first ``inputs`` weights of each row; both (rows, inputs).

    In each step a row loses the weight with the least w_q^2 / (2 [H^-1]_qq), of equals the last one, which is what its
    error 1/2 dw^T H dw grows by; then w -= w_q / [H^-1]_qq H^-1_:q and H^-1 -= H^-1_:q H^-1_q: / [H^-1]_qq.
    """
    every = torch.arange(len(rows), device=rows.device)
    current, running = rows.clone(), inverse.expand(len(rows), -1, -1).clone()
    names = torch.arange(rows.shape[1], device=rows.device).repeat(len(rows), 1)
    order, growth = [], []
    for start in range(0, inputs, _STEPS):
        left = torch.ones_like(current, dtype=torch.bool)
        left[:, inputs - start :] = False  # the bias is no candidate
        for _ in range(min(_STEPS, inputs - start)):
            costs = current.square() / (2 * running.diagonal(dim1=1, dim2=2))
            costs.masked_fill_(~left, torch.inf)
            q = costs.shape[1] - 1 - costs.flip(1).argmin(1)
            column = running[every, q]
            scaled = column / column[every, q].unsqueeze(1)
            order.append(names[every, q])
            growth.append(costs[every, q])
            current -= current[every, q].unsqueeze(1) * scaled
            running.baddbmm_(column.unsqueeze(2), scaled.unsqueeze(1), alpha=-1)
            left[every, q] = False
        left[:, inputs - start :] = True
        kept = left.nonzero()[:, 1].view(len(rows), -1)
        current, names = current.gather(1, kept), names.gather(1, kept)
        running = running[every.view(-1, 1, 1), kept.unsqueeze(2), kept.unsqueeze(1)]
    return torch.stack(order, dim=1), torch.stack(growth, dim=1)


def merged(order: Tensor, growth: Tensor) -> Tensor:
    """Return the rank of each weight in one removal order of all rows; (rows, inputs) float64.

    By what a removal adds to the error, raised to the largest before it in its row, so that each row keeps its own
    order; of equals the earlier row, and in a row the earlier step.
    """
    places = growth.cummax(dim=1).values.flatten().argsort(stable=True)
    ranks = torch.empty(len(places), dtype=torch.float64, device=growth.device)
    ranks[places] = torch.arange(len(places), dtype=torch.float64, device=growth.device)
    return torch.empty_like(growth).scatter_(1, order, ranks.view(order.shape))


def _device(accelerator: str | None) -> str:
    return "cpu" if accelerator is None else "cuda"
