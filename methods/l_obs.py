"""Layer-wise Optimal Brain Surgeon (L-OBS): second-order pruning of each layer by itself, in one shot."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from pydantic import Field
from torch import Tensor, nn

from harness.methods.layer_hessians import Layer, by_group, inverse_hessians, pruned_layers, without_patches
from harness.pruning import (
    Mask,
    Network,
    OneShotPruner,
    PrunedNetwork,
    Scores,
    Workbench,
    build,
    prunable_weights,
    prune_least,
    state_of,
)

_BLOCK = 32
"""Weights of each row that are swept together: larger blocks gather more of the inverse, smaller ones start more."""


@dataclass(frozen=True, kw_only=True)
class LayerwiseOptimalBrainSurgeon(OneShotPruner):
    """Remove the weights whose loss, compensated by the others, changes their layer's output least.

    One shot as published: saliency and inverse Hessian are those of the dense network, on ``images`` fixed training
    images, and nothing is trained afterwards unless ``retrain`` asks for it. ``damping`` >= 1e-8 is a fraction of the
    Hessian's mean diagonal. Biases are never pruned but take part in the compensation. The paper sets each
    layer's ratio by hand; here all layers get the density that is asked for.

    Not copied from the published code: patches in another order than the weights; 1e-5 added to the diagonal of the
    inverse; a damping of 1e-6 for one kind of layer and none for the other; biases pruned like weights.
    """

    family = "trained"
    source = (
        "Dong, Chen & Pan 2017, Sec. 3, in the one-shot order of its released code; saliency and update: Hassibi &"
        " Stork 1992, equation (5)"
    )
    search_space: ClassVar[Mapping[str, BaseDistribution]] = {
        "damping": FloatDistribution(1e-4, 1.0, log=True),
        "images": IntDistribution(128, 512, step=128),
    }

    images: Annotated[int, Field(ge=1)] = 512
    damping: Annotated[float, Field(ge=1e-8, allow_inf_nan=False)] = 0.01

    def skip(self, network: Network) -> str | None:
        """Return why a convolution of ``network`` has no patches, or there is nothing to recalibrate, or None."""
        return without_patches(network) or super().skip(network)

    def pruned(self, bench: Workbench, network: Network, density: float) -> PrunedNetwork:
        """Return ``network`` with each layer pruned to ``density`` and its remaining weights compensated."""
        inverses = bench.compute(inverse_hessians, network, bench.batches(self.images), self.damping)
        multipliers = bench.compute(all_multipliers, network, inverses)
        mask = prune_least(saliencies(network, inverses), Mask.ones(network), density, "layer")
        state = bench.compute(compensate, network, inverses, multipliers, mask)
        return PrunedNetwork(build(network.architecture, state), mask)


def saliencies(network: nn.Module, inverses: Mapping[str, Tensor]) -> Scores:
    """Return the `saliency` of every prunable weight, in its own shape."""
    return {name: _saliency(weight.detach(), inverses[name]) for name, weight in prunable_weights(network).items()}


def _saliency(weight: Tensor, inverse: Tensor) -> Tensor:
    return torch.cat([saliency(rows, own) for own, rows in by_group(inverse, weight.flatten(1))]).view(weight.shape)


def saliency(weights: Tensor, inverse: Tensor) -> Tensor:
    """Return L_q = w_q^2 / (2 [H^-1]_qq): what E grows by when q goes alone and the others compensate; (rows, d)."""
    return weights.double().square() / (2 * inverse.diagonal()[: weights.shape[1]])


def all_multipliers(network: Network, inverses: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the multipliers of `sweep` for every layer, (rows, d), by weight name."""
    return {name: _multipliers(layer, inverses[name]) for name, layer in pruned_layers(network).items()}


def _multipliers(layer: Layer, inverse: Tensor) -> Tensor:
    inputs = layer.weight[0].numel()
    return torch.cat([sweep(rows, own, inputs) for own, rows in by_group(inverse, rows_of(layer))])


def sweep(rows: Tensor, inverse: Tensor, inputs: int) -> Tensor:
    """Return m_q = w_q / [H^-1]_qq for the first ``inputs`` weights of each row, removed one by one; (rows, inputs).

    w_q is the weight at its turn, after dw = -m_p H^-1 e_p for each p before it: by increasing saliency, ties by
    decreasing index, as `prune_least` drops them. Any level prunes the beginning of each row's order, so one sweep
    over all weights serves every level. (It is a Gauss-Seidel step towards the refit of the remaining weights.)
    """
    order = inputs - 1 - saliency(rows[:, :inputs], inverse).flip(1).sort(dim=1, stable=True).indices
    current, flat = rows.clone(), inverse.flatten()
    multipliers = torch.zeros_like(rows[:, :inputs])
    for block in torch.split(order, _BLOCK, dim=1):
        pairs = block.unsqueeze(2) * len(inverse) + block.unsqueeze(1)
        among = flat.index_select(0, pairs.flatten()).view(pairs.shape)  # of H^-1, in each row's order: (rows, b, b)
        found = torch.linalg.solve_triangular(among, current.gather(1, block).unsqueeze(2), upper=False).squeeze(2)
        multipliers.scatter_(1, block, found)
        # Sums m_q H^-1 e_q over each row's block without copying those rows of H^-1.
        current -= F.embedding_bag(block, inverse, per_sample_weights=found, mode="sum")
    return multipliers


def compensate(
    network: Network, inverses: Mapping[str, Tensor], multipliers: Mapping[str, Tensor], mask: Mask
) -> dict[str, Tensor]:
    """Return the state of ``network`` pruned to ``mask``, with dw = -sum m_q H^-1 e_q over each row's pruned q.

    Changes ``network``. Pruned weights are +0.0 exactly; the rest and the biases are rounded once, from float64.
    """
    for name, layer in pruned_layers(network).items():
        removed = multipliers[name].masked_fill(mask[name].flatten(1), 0.0)
        inputs = removed.shape[1]
        change = torch.cat([gone @ own[:inputs] for own, gone in by_group(inverses[name], removed)])
        rows = rows_of(layer) - change
        with torch.no_grad():
            layer.weight.copy_(rows[:, :inputs].view_as(layer.weight))
            if layer.bias is not None:
                layer.bias.copy_(rows[:, inputs])
    mask.apply_(network)
    return state_of(network)


def rows_of(layer: Layer) -> Tensor:
    """Return the weights of each output row, (rows, D) float64, the bias last where there is one."""
    rows = layer.weight.detach().flatten(1).double()
    return rows if layer.bias is None else torch.cat([rows, layer.bias.detach().double().unsqueeze(1)], dim=1)
