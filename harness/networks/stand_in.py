"""The network on which a plan's steps are counted: small enough that a method runs on it in milliseconds."""

from torch import nn

from harness.networks.architecture import Network

_WIDTHS = (8, 16, 24, 32)
NAME = "stand-in"


class StandIn(Network):
    """Four convolutions, a batch norm after the first, and one linear layer; nearly all of its parameters are weights.

    So that a density which the planned network can have, it can have, too.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width in _WIDTHS:
            layers += [nn.Conv2d(channels, width, 3, 1, 1, bias=False), nn.ReLU()]
            channels = width
        layers.insert(1, nn.BatchNorm2d(_WIDTHS[0]))
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Linear(channels, 2, bias=False))
