"""Structured pruning by the weights and by the gradients of whole channels: magnitude, Taylor and group norm."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from pydantic import Field
from torch import Tensor

from harness.methods.snip import summed_loss
from harness.pruning import ChannelPruner, ChannelScope, Network, Scores, Workbench, channel_groups, copy_of, coupled

_SCOPES = CategoricalDistribution(["layer", "global"])


@dataclass(frozen=True, kw_only=True)
class StructuredMagnitude(ChannelPruner):
    """Keep the filters with the largest L1 norm, the same share of every layer.

    Where several layers' outputs are summed, the channels' score is the mean of their filters' norms; Li et al. rank
    those by the projection shortcut's filters alone, which an identity shortcut does not have.
    """

    family = "channels"
    source = "Li et al. 2017, arXiv:1608.08710, Sec. 3.1"
    search_space: ClassVar[Mapping[str, BaseDistribution]] = {"scope": _SCOPES}

    def channel_saliency(self, bench: Workbench, network: Network) -> Scores:  # noqa: ARG002
        """Return the filters' L1 norms."""
        return filter_norms(network)


@dataclass(frozen=True, kw_only=True)
class StructuredTaylor(ChannelPruner):
    """Keep the channels with the largest first-order effect on the loss, ranked over all layers.

    The effect of a channel in one layer is the sum of |w dL/dw| over its weights there, and the channel's the mean
    over the convolutions and linear layers that make or read it; torch-pruning's ``GroupTaylorImportance`` adds them
    up. L is summed over the fixed, stratified, unaugmented scoring set of ``images``: ``plain`` cross-entropy, or the
    loss that the entry's later rounds are ``training`` with. The paper squares the products, averages them over
    training batches, and prunes a few channels at a time while it trains; here it is one shot.

    Biases, batch norms and depthwise kernels are in no sum: torch-pruning 1.6.1 leaves them out.
    """

    family = "channels"
    source = "Molchanov et al. 2019, Importance Estimation for Neural Network Pruning, first-order Taylor expansion"
    search_space: ClassVar[Mapping[str, BaseDistribution]] = {
        "images": IntDistribution(64, 512, step=64),
        "scope": _SCOPES,
        "scoring_loss": CategoricalDistribution(["plain", "training"]),
    }

    scope: ChannelScope = "global"
    images: Annotated[int, Field(ge=1)] = 512
    scoring_loss: Literal["plain", "training"] = "plain"

    def channel_saliency(self, bench: Workbench, network: Network) -> Scores:
        """Return the channels' first-order effects on the fixed scoring set."""
        loss = bench.loss(round=1) if self.scoring_loss == "training" else None
        gradients = bench.compute(summed_gradients, network, bench.batches(self.images), loss)
        return taylor_effects(network, gradients)


@dataclass(frozen=True, kw_only=True)
class StructuredGroupNorm(ChannelPruner):
    """Keep the channels whose weights have the largest squares in all coupled layers, ranked over all layers.

    A channel's score is the mean over the layers that make, normalise or read it of its sum of squared weights there,
    divided by the mean of its group; torch-pruning's ``GroupMagnitudeImportance`` adds them up. The paper's sparse
    training, which drives whole groups to zero before they are cut, is left out: this is its criterion alone.

    Biases and depthwise kernels are in no sum: torch-pruning 1.6.1 leaves them out.
    """

    family = "channels"
    source = "Fang et al. 2023, DepGraph: Towards Any Structural Pruning, arXiv:2301.12900, group-level pruning"
    search_space: ClassVar[Mapping[str, BaseDistribution]] = {"scope": _SCOPES}

    scope: ChannelScope = "global"

    def channel_saliency(self, bench: Workbench, network: Network) -> Scores:  # noqa: ARG002
        """Return the coupled layers' mean squares."""
        return group_norms(network)


def filter_norms(network: Network) -> dict[str, Tensor]:
    """Return the mean over a group's makers of their filters' L1 norms, (channels,) float64, by group name."""
    return {
        group.name: torch.stack([_norms(network, name) for name in group.makers]).mean(0)
        for group in channel_groups(network)
    }


def _norms(network: Network, name: str) -> Tensor:
    return network.get_parameter(f"{name}.weight").detach().double().abs().sum(dim=(1, 2, 3))


def group_norms(network: Network) -> dict[str, Tensor]:
    """Return the mean over coupled layers of each channel's sum of squares, divided by the group's mean; by group name.

    Shape (channels,), float64, mean 1 within a group.
    """
    from torch_pruning.pruner.importance import GroupMagnitudeImportance

    importance = GroupMagnitudeImportance(p=2, group_reduction="mean", normalizer="mean")
    return {group.name: importance(found).double() for group, found in coupled(network)}


def summed_gradients(
    network: Network,
    batches: Sequence[tuple[Tensor, Tensor]],
    loss: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> dict[str, Tensor]:
    """Return dL/dw by parameter name, in the parameters' shapes; ``network`` gets them as its own.

    L is the cross-entropy, or a batch's ``loss``, a mean over its images, times their number; summed over all batches.
    Evaluation mode.
    """
    network.eval()
    for images, labels in batches:
        summed_loss(loss, network(images), labels).backward()  # type: ignore[no-untyped-call]
    return {name: parameter.grad for name, parameter in network.named_parameters() if parameter.grad is not None}


def taylor_effects(network: Network, gradients: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the mean over coupled layers of each channel's sum of |w dL/dw|, (channels,) float64, by group name.

    ``gradients`` are dL/dw by parameter name.
    """
    from torch_pruning.pruner.importance import GroupTaylorImportance

    scored = copy_of(network).requires_grad_(True)  # else what is frozen is traced in a copy without gradients
    for name, parameter in scored.named_parameters():
        parameter.grad = gradients.get(name, torch.zeros_like(parameter))  # a frozen one has none
    importance = GroupTaylorImportance(group_reduction="mean", normalizer=None)
    return {group.name: importance(found).double() for group, found in coupled(scored)}
