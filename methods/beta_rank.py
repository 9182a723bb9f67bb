"""Beta-Rank: score a filter by its own size times how much its outputs vary beside its inputs; no labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from pydantic import Field
from torch import Tensor, nn

from harness.pruning import ChannelPruner, Network, Scores, Workbench, channel_groups

_TOGETHER = 8
"""Images whose maps are held in float64 at once."""

_STILL = 1e-6
"""A window that varies less than this, relative to the layer's most varied one, does not vary at all."""


@dataclass(frozen=True, kw_only=True)
class BetaRank(ChannelPruner):
    """Keep the filters with the largest mean |weight| times the sum over positions of sd(output) / sd(input window).

    The output is the convolution's own, before norm and activation. Standard deviations are the population's, over the
    fixed, stratified, unaugmented scoring set of ``images``. Scores are scaled to [0, 1] within a layer; where several
    layers' outputs are summed, the channels' score is the mean of theirs.

    No label is read: the method was proposed for imbalanced data, but imbalance is not modelled in its score.

    The published rates are set by hand for each layer. There are none for these networks: ``scope="layer"`` leaves the
    same share of every layer. The released code takes the input's spread from a block of channels and rows in the
    place of rows and columns, and leaves out the padding; here windows are those that the convolution meets, with
    padded zeros. That code scores one shuffled, augmented batch of 256.
    """

    family = "channels"
    source = (
        "Beta-Rank: A Robust Convolutional Filter Pruning Method For Imbalanced Medical Image Analysis, "
        "arXiv:2304.07461; score as in its released code"
    )
    search_space: ClassVar[Mapping[str, BaseDistribution]] = {
        "images": IntDistribution(64, 512, step=64),
        "scope": CategoricalDistribution(["layer", "global"]),
    }

    images: Annotated[int, Field(ge=2)] = 256

    def channel_saliency(self, bench: Workbench, network: Network) -> Scores:
        """Return each group's scores on the fixed scoring set."""
        scores: Scores = bench.compute(beta_ranks, network, bench.batches(self.images))
        return scores


def beta_ranks(network: Network, batches: Sequence[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """Return the mean of the makers' scaled `spread_scores` of each group of channels, (channels,) float64, in [0, 1].

    Evaluation mode. Raises ValueError as `channel_groups` does.
    """
    groups = channel_groups(network)
    scores = spread_scores(network, [name for group in groups for name in group.makers], batches)
    return {group.name: torch.stack([_scaled(scores[name]) for name in group.makers]).mean(0) for group in groups}


def spread_scores(
    network: nn.Module, names: Sequence[str], batches: Sequence[tuple[Tensor, Tensor]]
) -> dict[str, Tensor]:
    """Return mean |f_o| sum_uv a_ouv / b_uv for each filter o of the convolutions ``names``, (O,) float64, >= 0.

    a is the sd over images of output channel o at position (u, v); b that over images and entries of the window that
    the filter meets there, all input channels and padded zeros included. Windows that never vary count as 0.
    """
    layers = {name: _convolution(network, name) for name in names}
    spreads = {name: _Spread(layer) for name, layer in layers.items()}

    def add(name: str, _layer: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> None:
        spreads[name].add(arguments[0], output)

    hooks = [layer.register_forward_hook(partial(add, name)) for name, layer in layers.items()]
    network.eval()
    with torch.no_grad():
        for images, _ in batches:
            network(images)
    for hook in hooks:
        hook.remove()
    return {
        name: layer.weight.detach().double().abs().mean(dim=(1, 2, 3)) * spreads[name].ratio().sum(dim=(1, 2))
        for name, layer in layers.items()
    }


def _convolution(network: nn.Module, name: str) -> nn.Conv2d:
    layer = network.get_submodule(name)
    if not isinstance(layer, nn.Conv2d) or layer.groups > 1 or layer.padding_mode != "zeros":
        raise ValueError(f"{name} is no convolution of all its input channels with zero padding")
    return layer


class _Spread:
    """Sums over images of one layer's outputs, its inputs and their squares."""

    def __init__(self, layer: nn.Conv2d) -> None:
        self._layer = layer
        self._images = 0
        self._outputs = torch.zeros(2, 1, 1, 1, dtype=torch.float64)
        self._inputs = torch.zeros(2, 1, 1, dtype=torch.float64)

    def add(self, inputs: Tensor, outputs: Tensor) -> None:
        """Add a batch's inputs (N, C, H, W) and outputs (N, O, U, V)."""
        self._images += len(inputs)
        for part in torch.split(inputs, _TOGETHER):
            values = part.double()
            self._inputs = self._inputs + torch.stack([values.sum((0, 1)), values.square().sum((0, 1))])
        for part in torch.split(outputs, _TOGETHER):
            values = part.double()
            self._outputs = self._outputs + torch.stack([values.sum(0), values.square().sum(0)])

    def ratio(self) -> Tensor:
        """Return a / b, (O, U, V)."""
        layer = self._layer
        # The sum over a window's entries, all channels, is the sum of its pixels: no window is ever copied.
        ones = torch.ones(1, 1, *layer.kernel_size, dtype=torch.float64)
        windows = F.conv2d(self._inputs[:, None], ones, None, layer.stride, layer.padding, layer.dilation)[:, 0]
        outputs = _sd(self._outputs / self._images)
        inputs = _sd(windows / (self._images * layer.weight[0].numel()))
        return torch.where(inputs > _STILL * inputs.max(), outputs / inputs, 0.0)


def _sd(moments: Tensor) -> Tensor:
    """Return the population's standard deviation from (mean, mean square)."""
    return (moments[1] - moments[0].square()).clamp(min=0).sqrt()


def _scaled(scores: Tensor) -> Tensor:
    """Return scores scaled to [0, 1] by their least and largest; zeros where all are one."""
    spread = scores.max() - scores.min()
    return (scores - scores.min()) / spread if float(spread) > 0 else torch.zeros_like(scores)
