"""How wide the layers of a network are: what surgery changes, and what rebuilds a network after it."""

from collections.abc import Iterator, Sequence

from torch import nn

Widths = Sequence[int] | None
"""Output channels of every convolution, in the network's order; None = as published."""


def widths_of(network: nn.Module) -> list[int]:
    """Return the output channels of every convolution of ``network``, in its order."""
    return [layer.out_channels for layer in network.modules() if isinstance(layer, nn.Conv2d)]


def each_width(published: Sequence[int], widths: Widths) -> Iterator[int]:
    """Return an iterator over ``widths``, or over the ``published`` ones where there are none.

    Raises ValueError for another number of convolutions than published.
    """
    if widths is not None and len(widths) != len(published):
        raise ValueError(f"{len(widths)} widths for {len(published)} convolutions")
    return iter(published if widths is None else widths)
