"""Small networks to test on: any one with fewer channels."""

import functools
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from harness.networks.architecture import Architecture
from harness.networks.factories import build
from harness.sparsity.surgery import channel_groups, without_channels


def narrowed(factory: str, widths: float | Sequence[int], **arguments: Any) -> Architecture:
    """Return the architecture of a network with fewer channels.

    ``widths`` are the channels of each of its groups in order (`channel_groups`), a share of them (< 1, of which two
    are left at least), or one number for all.
    """
    given = widths if isinstance(widths, int | float) else tuple(widths)
    return _narrowed(factory, given, tuple(sorted(arguments.items())))


@functools.lru_cache(maxsize=64)
def _narrowed(factory: str, widths: float | tuple[int, ...], arguments: tuple[tuple[str, Any], ...]) -> Architecture:
    network = build(Architecture(factory, dict(arguments)))
    for tensor in network.state_dict().values():
        tensor.zero_()
    groups = channel_groups(network)
    each = [_width(widths, group.channels) for group in groups] if isinstance(widths, int | float) else list(widths)
    remaining = {group.name: torch.arange(group.channels) < width for group, width in zip(groups, each, strict=True)}
    return without_channels(network, remaining).architecture


def _width(asked: float, channels: int) -> int:
    return min(channels, max(2, int(channels * asked)) if asked < 1 else int(asked))


def widths_of(network: nn.Module) -> list[int]:
    """Return the output channels of every convolution of ``network``, in its order."""
    return [layer.out_channels for layer in network.modules() if isinstance(layer, nn.Conv2d)]
