"""Three small networks: plain, residual with a depthwise layer, and one of awkward layers; known only while checking.

``widths`` are the output channels of every convolution in the network's order, as methods that remove channels give
them; what is added or filtered channel by channel must have equal ones.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from harness.networks.architecture import Network
from harness.networks.registered import INTERNAL


class Plain(Network):
    """Three convolutions with batch norm; 64,665 parameters, which is a size that narrow MobileNets have, too."""

    def __init__(self, widths: Sequence[int] | None = None) -> None:
        super().__init__()
        channels = 3
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for index, width in enumerate(_widths(widths, (16, 32, 203)), start=1):
            layers[f"conv{index}"] = nn.Conv2d(channels, width, 3, stride=2, padding=1)
            layers[f"norm{index}"] = nn.BatchNorm2d(width)
            layers[f"relu{index}"] = nn.ReLU(inplace=True)
            channels = width
        self.features = nn.Sequential(layers)
        self.head = nn.Sequential(nn.Dropout(), nn.Linear(channels, 2))


class Residual(Network):
    """A stem, a block that adds a depthwise and a pointwise convolution to its input, two more; no biases."""

    def __init__(self, widths: Sequence[int] | None = None) -> None:
        super().__init__()
        stem, depthwise, pointwise, third, fourth = _widths(widths, (16, 16, 16, 32, 48))
        _equal("what the block adds", stem, depthwise, pointwise)
        self.features = nn.Sequential(
            OrderedDict(
                stem=_normed(nn.Conv2d(3, stem, 3, stride=2, padding=1, bias=False)),
                block=_Block(stem),
                third=_normed(nn.Conv2d(stem, third, 3, stride=2, padding=1, bias=False)),
                fourth=_normed(nn.Conv2d(third, fourth, 3, stride=2, padding=1, bias=False)),
            )
        )
        self.head = nn.Sequential(nn.Dropout(), nn.Linear(fourth, 2))


class Awkward(Network):
    """No batch norm; a convolution that is used twice, one with a single channel, and a head of two layers."""

    def __init__(self, widths: Sequence[int] | None = None) -> None:
        super().__init__()
        first, shared, gate, last = _widths(widths, (16, 16, 1, 64))
        _equal("a convolution that is used twice", first, shared)
        _equal("the gate", gate, 1)
        self.features = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(3, first, 5, stride=2, padding=2),
                relu1=nn.ReLU(),
                twice=_Twice(first),
                gate=_Gate(first),
                conv2=nn.Conv2d(first, last, 3, stride=2, padding=1),
                relu2=nn.ReLU(),
            )
        )
        self.head = nn.Sequential(nn.Dropout(), nn.Linear(last, 64), nn.ReLU(), nn.Linear(64, 2))


class _Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = _normed(nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False))
        self.pointwise = nn.Conv2d(channels, channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, images: Tensor) -> Tensor:
        return torch.relu(images + self.norm(self.pointwise(self.depthwise(images))))


class _Twice(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        return torch.relu(self.conv(torch.relu(self.conv(images))))


class _Gate(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 1, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        return images * torch.sigmoid(self.conv(images))


def _normed(convolution: nn.Conv2d) -> nn.Sequential:
    norm = nn.BatchNorm2d(convolution.out_channels)
    return nn.Sequential(OrderedDict(conv=convolution, norm=norm, relu=nn.ReLU()))


def _widths(given: Sequence[int] | None, usual: tuple[int, ...]) -> tuple[int, ...]:
    widths = usual if given is None else tuple(given)
    if len(widths) != len(usual) or min(widths) < 1:
        raise ValueError(f"widths {list(widths)} are not {len(usual)} positive numbers")
    return widths


def _equal(what: str, *widths: int) -> None:
    if len(set(widths)) > 1:
        raise ValueError(f"{what} needs equal widths, not {list(widths)}")


NETWORKS: dict[str, type[Network]] = {
    "check-plain": Plain,
    "check-residual": Residual,
    "check-awkward": Awkward,
}

RENAMED = "check-other-name-"
"""Before a network's name: the same network, called otherwise."""


@contextmanager
def check_networks() -> Iterator[None]:
    """Register the networks for as long as the block runs, under both names."""
    own = NETWORKS | {f"{RENAMED}{name}": factory for name, factory in NETWORKS.items()}
    INTERNAL.update(own)
    try:
        yield
    finally:
        for name in own:
            INTERNAL.pop(name, None)
