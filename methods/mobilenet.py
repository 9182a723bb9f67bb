"""MobileNet: not pruned at all, but built as narrow as each level asks."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.pruning import (
    Architecture,
    DensityUnreachable,
    PrunedNetwork,
    Pruner,
    Workbench,
    parameter_count,
    skeleton,
)

STEPS = 1024
"""Every channel count of the full network divides this, so that widths k / 1024 reach every network there is."""

_WIDEST = 16 * STEPS


@dataclass(frozen=True, kw_only=True)
class MobileNet(Pruner):
    """MobileNet V1 of the width whose parameter count is nearest to each level; within 1 %, dense and without a mask.

    Each width is a network of its own: pretrained as W0 is where that is possible, then trained as the dense network
    is. The paper compares with a single MobileNet and does not state its width.
    """

    family = "architecture"
    source = "Howard et al. 2017, arXiv:1704.04861, Table 1 and Sec. 3.3; Entezari & Saukh 2020, Sec. III-C"
    level_order = "independent"
    gives = None

    @property
    def density_tolerance(self) -> float:
        """Channels are whole, so that counts come in steps."""
        return 0.01

    def skip_trained(self) -> str | None:
        """Return why it would be no fair comparison."""
        return "it would be trained here from a random start, beside a network that was trained elsewhere"

    def prune(self, bench: Workbench, densities: Sequence[float]) -> Iterator[PrunedNetwork]:
        """Yield a trained MobileNet of each density's size."""
        dense = parameter_count(bench.network())
        for density in densities:
            network = bench.network(mobilenet(width_of(round(density * dense))))
            yield PrunedNetwork(bench.train(network, round=0 if density == 1 else 1))


def mobilenet(width: float) -> Architecture:
    """Return the architecture of a width > 0; the full one goes by its name alone."""
    return Architecture("mobilenet-v1", {} if width == 1 else {"width": width})


def width_of(parameters: int) -> float:
    """Return the width k / 1024 whose network's parameter count is nearest to ``parameters``, the narrower on a tie.

    Raises `DensityUnreachable` where even the narrowest network is larger, or the widest smaller, by over 1 %.
    """

    def count(step: int) -> int:
        return parameter_count(skeleton(mobilenet(step / STEPS)))

    above = bisect_left(range(1, _WIDEST), parameters, key=count) + 1
    step = min((max(above - 1, 1), above), key=lambda step: abs(count(step) - parameters))
    found = count(step)
    if abs(found - parameters) > 0.01 * parameters:
        raise DensityUnreachable(f"no MobileNet has {parameters} parameters within 1 %: the nearest has {found}")
    return step / STEPS
