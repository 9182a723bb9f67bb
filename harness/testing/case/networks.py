"""Three small networks: plain, residual with a depthwise layer, one of awkward layers; known only while checking."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from harness.networks.architecture import Network
from harness.networks.registered import INTERNAL


class Plain(Network):
    """Three convolutions with batch norm; 64,665 parameters, which is a size that narrow MobileNets have, too."""

    def __init__(self) -> None:
        super().__init__()
        channels = 3
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for index, width in enumerate((16, 32, 203), start=1):
            layers[f"conv{index}"] = nn.Conv2d(channels, width, 3, stride=2, padding=1)
            layers[f"norm{index}"] = nn.BatchNorm2d(width)
            layers[f"relu{index}"] = nn.ReLU(inplace=True)
            channels = width
        self.features = nn.Sequential(layers)
        self.head = nn.Sequential(nn.Dropout(), nn.Linear(channels, 2))


class Residual(Network):
    """A stem, a block that adds a depthwise and a pointwise convolution to its input, two more; no biases."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                stem=_normed(nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False)),
                block=_Block(16),
                third=_normed(nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False)),
                fourth=_normed(nn.Conv2d(32, 48, 3, stride=2, padding=1, bias=False)),
            )
        )
        self.head = nn.Sequential(nn.Dropout(), nn.Linear(48, 2))


class Awkward(Network):
    """No batch norm; a convolution that is used twice, one with a single channel, and a head of two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(3, 16, 5, stride=2, padding=2),
                relu1=nn.ReLU(),
                twice=_Twice(16),
                gate=_Gate(16),
                conv2=nn.Conv2d(16, 64, 3, stride=2, padding=1),
                relu2=nn.ReLU(),
            )
        )
        self.head = nn.Sequential(nn.Dropout(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))


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
