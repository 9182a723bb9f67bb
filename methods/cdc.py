"""Class-discriminative channels: keep those whose response tells positives from negatives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar, Literal

import torch
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from pydantic import Field
from torch import Tensor, nn

from harness.pruning import ChannelPruner, Network, Scores, Workbench, channel_groups

Statistic = Literal["t", "snr", "fisher", "divergence"]

_LEAST = 1e-6
"""Least variance within a class, as a share of the channel's variance over all images: keeps ratios finite."""

_CONSTANT = 1e-6
"""A response whose sd is below this share of its mean is constant: float32 tells no more."""


@dataclass(frozen=True, kw_only=True)
class ClassDiscriminativeChannels(ChannelPruner):
    """Keep the channels with the largest two-class statistic of their mean response.

    A channel's response to an image is the spatial mean of what the last layer that reads it receives: after the
    activation, and after the sum in a residual network. With means m, sample variances v and counts n of the positives
    (+) and negatives (-), ``statistic`` is one of

    - ``fisher``: (m+ - m-)^2 / (v+ + v-), Fisher's discriminant ratio;
    - ``t``: |m+ - m-| / sqrt(v+ / n+ + v- / n-), Welch's t;
    - ``snr``: |m+ - m-| / (sqrt v+ + sqrt v-), the signal-to-noise ratio of Golub et al.;
    - ``divergence``: (v+ / v- + v- / v+) / 2 - 1 + (m+ - m-)^2 (1 / v+ + 1 / v-) / 2, of two normal distributions.

    A channel with the same response to every image scores 0. Each channel is judged alone: two that say the same are
    both kept. The scoring set of ``images`` is stratified, so that it has the training split's share of positives,
    and all of them where the split has no more images than that.

    The paper's distillation is left out, as is its scheme of coarse classes for early layers and fine ones for late
    layers: with two classes there is one pair to tell apart. It says which kinds of statistic it compares; the formulas
    here are the textbooks'.
    """

    family = "channels"
    source = (
        "Class-Discriminative CNN Compression, ICPR 2022, arXiv:2110.10864 (the idea); Welch 1947; "
        "Golub et al. 1999; Theodoridis & Koutroumbas, Pattern Recognition, class separability measures"
    )
    search_space: ClassVar[Mapping[str, BaseDistribution]] = {
        "statistic": CategoricalDistribution(["t", "snr", "fisher", "divergence"]),
        "images": IntDistribution(256, 4096, step=256),
        "scope": CategoricalDistribution(["layer", "global"]),
    }

    statistic: Statistic = "fisher"
    images: Annotated[int, Field(ge=4)] = 2048

    def channel_saliency(self, bench: Workbench, network: Network) -> Scores:
        """Return the statistic of every channel on the fixed scoring set."""
        scores: Scores = bench.compute(discrimination, network, bench.batches(self.images), self.statistic)
        return scores


def discrimination(
    network: Network, batches: Sequence[tuple[Tensor, Tensor]], statistic: Statistic
) -> dict[str, Tensor]:
    """Return the `separation` of each channel's `responses`, (channels,) float64, >= 0, by group name.

    Raises ValueError for fewer than two images of a class.
    """
    positive = torch.cat([labels for _, labels in batches]) > 0
    return {name: separation(values, positive, statistic) for name, values in responses(network, batches).items()}


def responses(network: Network, batches: Sequence[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """Return what each group's last reader receives, as spatial means (images, channels) float64, by group name.

    Evaluation mode.
    """
    groups = channel_groups(network)
    latest: dict[str, Tensor] = {}
    found: dict[str, list[Tensor]] = {group.name: [] for group in groups}

    def receive(name: str, _layer: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        received = arguments[0]
        latest[name] = (received.mean(dim=(2, 3)) if received.dim() > 2 else received).double()

    hooks = [
        network.get_submodule(group.readers[-1]).register_forward_pre_hook(partial(receive, group.name))
        for group in groups
    ]
    network.eval()
    with torch.no_grad():
        for images, _ in batches:
            network(images)
            for name, values in latest.items():
                found[name].append(values)
    for hook in hooks:
        hook.remove()
    return {name: torch.cat(values) for name, values in found.items()}


def separation(values: Tensor, positive: Tensor, statistic: Statistic) -> Tensor:
    """Return how well each column of ``values`` (images, channels) tells the ``positive`` (images,) rows; (channels,).

    Finite and >= 0; larger = better. Raises ValueError for fewer than two images of a class.
    """
    counts = int(positive.sum()), int((~positive).sum())
    if min(counts) < 2:
        raise ValueError(f"a variance needs two images of each class, there are {counts[0]} and {counts[1]}")
    sides = values[positive], values[~positive]
    overall = values.var(dim=0, correction=0)
    constant = overall.sqrt() <= _CONSTANT * values.mean(dim=0).abs()
    least = torch.where(constant, 1.0, _LEAST * overall)
    first, second = (torch.maximum(side.var(dim=0), least) for side in sides)
    difference = (sides[0].mean(dim=0) - sides[1].mean(dim=0)).abs()
    return torch.where(constant, 0.0, _value(statistic, difference, first, second, counts))


def _value(statistic: Statistic, difference: Tensor, first: Tensor, second: Tensor, counts: tuple[int, int]) -> Tensor:
    if statistic == "t":
        return difference / (first / counts[0] + second / counts[1]).sqrt()
    if statistic == "snr":
        return difference / (first.sqrt() + second.sqrt())
    if statistic == "fisher":
        return difference.square() / (first + second)
    shapes = (first / second + second / first) / 2 - 1
    return shapes + difference.square() * (1 / first + 1 / second) / 2
