"""Another network's features under one linear layer: for what frozen features alone can tell."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from harness.networks.architecture import Architecture, Network
from harness.networks.registered import factory_of


class LinearProbe(Network):
    """The network of factory ``of`` with ``arguments``, its head taken off and one linear layer in its place.

    The harness builds it for itself: no user names it as a network to prune.
    """

    def __init__(self, of: str, arguments: Mapping[str, Any]) -> None:
        super().__init__()
        base = factory_of(of)(**arguments)
        width = base.pooled_width
        base.head = nn.Sequential()
        self.base = base
        self.head = nn.Sequential(nn.Linear(width, 2))

    @classmethod
    def made_of(cls, arguments: Mapping[str, Any]) -> Sequence[Architecture]:
        """Return the other network's architecture."""
        return (Architecture(arguments["of"], arguments["arguments"]),)

    def pooled(self, images: Tensor) -> Tensor:
        """Return what the other network's head reads, (N, C)."""
        return self.base.pooled(images)
