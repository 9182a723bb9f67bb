"""SynFlow: prune the pretrained start W0 in many small steps, without data, by the flow of ones through its weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from pydantic import Field
from torch import Tensor

from harness.pruning import (
    Mask,
    Network,
    Retrain,
    SaliencyPruner,
    Scope,
    Scores,
    Start,
    Workbench,
    copy_of,
    not_a_sum_of_paths,
    output_of_paths,
    prunable_weights,
    prune_least,
)


@dataclass(frozen=True, kw_only=True)
class SynFlow(SaliencyPruner):
    """Keep the weights of W0 through which most of the flow goes, in ``iterations`` steps, and train them from W0.

    The flow is R, the sum of the outputs for an image of ones, with |w| for every weight; a weight's score is what
    goes through it, |w| dR/d|w|. Scores of a layer sum to R, so the flow of a layer concentrates on what is left of it,
    and scoring anew after each step keeps its last weights. No image and no label is used, but the images' size.

    The paper prunes a randomly drawn network. W0 is one only with ``--weights kaiming``: otherwise its convolutions are
    pretrained, on simulated images with their batch norms, and both are in the flow.
    """

    family = "one shot"
    source = "Tanaka, Kunin, Yamins & Ganguli 2020, equation (1) with R_SF of Sec. 6, Algorithm 1; released code"
    search_space: ClassVar[Mapping[str, BaseDistribution]] = {
        "iterations": IntDistribution(10, 200, step=10),
        "scope": CategoricalDistribution(["layer", "global"]),
    }

    start: Start = "W0"
    retrain: Retrain = "rewind-weights"
    iterations: Annotated[int, Field(ge=1, le=10_000)] = 100

    def skip(self, network: Network) -> str | None:
        """Return why there is no flow through ``network``, or there is nothing to recalibrate, or None."""
        return not_a_sum_of_paths(network) or super().skip(network)

    def saliency(self, bench: Workbench, network: Network) -> Scores:
        """Return the synaptic flow before anything is pruned: what the first of the iterations ranks by."""
        scores: Scores = bench.compute(synaptic_flow, network, _image_shape(bench))
        return scores

    def mask(self, bench: Workbench, network: Network, density: float) -> Mask:
        """Return the mask of ``density`` after the last of the iterations."""
        mask = Mask.ones(network)
        shape = _image_shape(bench)
        remaining = bench.compute(flow_mask, network, shape, density, self.iterations, self.scope)
        return Mask({name: remaining[name] for name in mask}, mask.total)


def flow_mask(
    network: Network, shape: Sequence[int], density: float, iterations: int, scope: Scope
) -> Mapping[str, Tensor]:
    """Return which weights remain at ``density``, by name: scored, pruned a little and scored again.

    Raises ValueError for a density that the unprunable parameters alone exceed.
    """
    mask = Mask.ones(network)
    for step in _steps(mask, density, iterations):
        pruned = copy_of(network)
        mask.apply_(pruned)
        mask = prune_least(synaptic_flow(pruned, shape), mask, step, scope)
    return dict(mask)


def _steps(mask: Mask, density: float, iterations: int) -> list[float]:
    """Return the densities of the steps, all parameters counted; the prunable weights shrink by equal factors.

    Published: N (b / N)^(k / n) of N prunable weights left after step k of n, b at the end. The parameters that can't
    be pruned are added afterwards, so that steps stay equal near the density that they alone make up.
    """
    weights = sum(tensor.numel() for tensor in mask.values())
    fixed = mask.total - weights
    last = max(round(density * mask.total) - fixed, 0) / weights
    counts = [round(weights * last ** (step / iterations)) for step in range(1, iterations)]
    return [(fixed + count) / mask.total for count in counts] + [density]


def synaptic_flow(network: Network, shape: Sequence[int]) -> dict[str, Tensor]:
    """Return |w| dR/d|w| / R by weight name, float64: the share of the flow R through each weight.

    R is the sum of the outputs for one image of ones of ``shape`` (C, H, W), with |w| for every weight and without what
    is added: biases are 0, and a batch norm multiplies each channel by |gamma| / sqrt(running variance + eps), the flow
    of the network with its norms folded into the convolutions. Maxima stay; every activation is
    ReLU, which passes on what is positive, so that ReLU6 bounds no flow and SiLU bends none.
    Dividing by R changes no ranking; where no path is left, R and all scores are 0. ``network`` is changed.

    The published code takes the absolute value of every entry of the state: biases and batch norms' running means,
    which are 0 in the networks that it prunes, would stay by their size.
    """
    _linearise(network)
    flow = output_of_paths(network, torch.ones(1, *shape, dtype=torch.float64)).sum()
    weights = prunable_weights(network)
    gradients = torch.autograd.grad(flow, list(weights.values()))
    total = flow.detach() if flow > 0 else torch.ones_like(flow)
    return {
        name: weight.detach() * (gradient / total)
        for (name, weight), gradient in zip(weights.items(), gradients, strict=True)
    }


@torch.no_grad()
def _linearise(network: Network) -> None:
    """Make ``network`` a sum over paths: factors by their size, in float64, which long products need; no shifts."""
    network.double().eval()
    for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
        if name.endswith(("bias", "running_mean")):
            tensor.zero_()
        else:
            tensor.abs_()


def _image_shape(bench: Workbench) -> list[int]:
    (images, _), *_ = bench.batches(1)
    return list(images.shape[1:])
