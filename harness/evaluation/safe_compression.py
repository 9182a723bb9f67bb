"""How small a network gets before it misses more positives."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.evaluation.proportions import paired_upper_bound


@dataclass(frozen=True)
class SafeCompression:
    """How far an entry goes before more misses can no longer be ruled out.

    ``density`` is the last safe one, None unless ``verdict`` is "density"; ``bounds`` are (density, upper
    bound of the FNR difference), densest first, up to and with the first that fails.
    """

    verdict: Literal["density", "none", "not decidable"]
    density: float | None
    positives: int
    delta: float
    bounds: tuple[tuple[float, float], ...]


def safe_compression(
    levels: Sequence[tuple[float, float, float]], positives: int, delta: float = 0.10
) -> SafeCompression:
    """Return the last density, going down, before the bound of FNR - dense FNR reaches ``delta``.

    ``levels`` are (density, missed only by the pruned network, missed only by the dense one), in any order;
    the bounds are one-sided 95 %. "none" if the first level fails; "not decidable" if even a network that
    misses the same positives as the dense one would fail.
    """
    if positives < 1 or paired_upper_bound(0, 0, positives) >= delta:
        return SafeCompression("not decidable", None, positives, delta, ())
    safe: float | None = None
    bounds: list[tuple[float, float]] = []
    for density, b, c in sorted(levels, reverse=True):
        bounds.append((density, paired_upper_bound(b, c, positives)))
        if bounds[-1][1] >= delta:
            break
        safe = density
    return SafeCompression("none" if safe is None else "density", safe, positives, delta, tuple(bounds))
