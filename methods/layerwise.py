"""Controls that take another method's number of weights in each layer, and choose the weights there themselves.

They tell which layer from which weight: where the other method is no better than its control, its choice within the
layers was worth nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from optuna.distributions import BaseDistribution
from pydantic import Field

from harness.methods.magnitude import Magnitude
from harness.methods.random import Random
from harness.pruning import Mask, Network, Scores, Workbench, keep_largest

Other = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(\[[^\[\]]*\])?$")]
"""A registered method to borrow from, written as an entry: ``snip``, ``lt[rate=0.75]``."""


@dataclass(frozen=True, kw_only=True)
class RandomLayerwise(Random):
    """As many weights in each layer as ``of`` keeps there, chosen at random; trained from W0.

    ``of`` is a method, asked for its mask at the same density on the same W0, data, seed and loss.
    Draws do not depend on it. The papers keep the initial weights and permute the mask within each layer, which is
    this choice.
    """

    source = (
        "Frankle, Dziugaite, Roy & Carbin 2021, Sec. 5 (randomly shuffling within layers); Su et al. 2020, Sec. 3"
        " (layerwise rearrange)"
    )
    search_space: ClassVar[Mapping[str, BaseDistribution]] = {}
    control = True
    variants = ({},)

    scope: Literal["layer"] = "layer"
    of: Other = "snip"

    @property
    def borrows_from(self) -> tuple[str, ...]:
        """The method that gives the layers."""
        return (self.of,)

    def mask(self, bench: Workbench, network: Network, density: float) -> Mask:
        """Return the mask of ``density``: random weights, the other method's number in each layer."""
        return _with_layers_of(self.of, bench, self.saliency(bench, network), density)


@dataclass(frozen=True, kw_only=True)
class MagnitudeLayerwise(Magnitude):
    """As many weights in each layer as ``of`` keeps there, the largest of the trained network; trained on from there.

    ``of`` is a method, asked for its mask at the same density on the same W0, data, seed and loss.
    """

    source = (
        "Frankle, Dziugaite, Roy & Carbin 2021, Sec. 5 (which layer against which weight), with the weights of Han et"
        " al. 2015, Sec. 3, in one shot"
    )
    search_space: ClassVar[Mapping[str, BaseDistribution]] = {}

    scope: Literal["layer"] = "layer"
    of: Other = "snip"

    @property
    def borrows_from(self) -> tuple[str, ...]:
        """The method that gives the layers."""
        return (self.of,)

    def mask(self, bench: Workbench, network: Network, density: float) -> Mask:
        """Return the mask of ``density``: the largest weights, the other method's number in each layer."""
        return _with_layers_of(self.of, bench, self.saliency(bench, network), density)


def _with_layers_of(method: str, bench: Workbench, scores: Scores, density: float) -> Mask:
    other = bench.mask_of(method, density)
    everything = Mask({name: mask.new_ones(mask.shape) for name, mask in other.items()}, other.total)
    return keep_largest(scores, everything, {name: int(mask.sum()) for name, mask in other.items()})
