"""Intervals and tests for k of n images, and how small a network gets before it misses more positives.

The statistics of the AUC live in `harness.evaluation.auc` and are offered here too.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, ndtri

from harness.evaluation.auc import auc_interval, compare_aucs, delong, mean_auc

__all__ = [
    "SafeCompression",
    "auc_interval",
    "clopper_pearson",
    "compare_aucs",
    "delong",
    "holm",
    "mean_auc",
    "not_distinguished",
    "paired_upper_bound",
    "safe_compression",
]


def clopper_pearson(k: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a proportion, 0 <= k <= n, n > 0, within [0, 1].

    ``k`` may be the mean count of several seeds: it is then the interval of one network with that many
    misses, conservative for the mean. Source: Clopper and Pearson (1934), by beta quantiles.
    """
    if not 0 <= k <= n or n <= 0:
        raise ValueError(f"{k} of {n} is no proportion")
    tail = (1 - level) / 2
    low = 0.0 if k == 0 else float(betaincinv(k, n - k + 1, tail))
    high = 1.0 if k == n else float(betaincinv(k + 1, n - k, 1 - tail))
    return low, high


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the adjusted p-values, in the order given: <= alpha exactly where Holm (1979) rejects."""
    adjusted = [1.0] * len(p_values)
    running = 0.0
    for done, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        running = max(running, min(1.0, (len(p_values) - done) * p_values[index]))
        adjusted[index] = running
    return adjusted


def paired_upper_bound(
    missed_only_by_pruned: float, missed_only_by_dense: float, positives: float, level: float = 0.95
) -> float:
    """Return the one-sided upper bound, in [-1, 1], of FNR(pruned) - FNR(dense) on the same positives.

    The largest difference that a score test does not reject; counts may be means over seeds.
    Source: Tango (1998), Statistics in Medicine 17, 891-908.
    """
    b, c, n = missed_only_by_pruned, missed_only_by_dense, positives
    if min(b, c) < 0 or b + c > n + 1e-9 or n <= 0:
        raise ValueError(f"{b} and {c} discordant of {n} positives cannot be")
    z = float(ndtri(level))
    # Where the observed difference itself has no variance the score is 0/0, hence a step beside it.
    low, high = (b - c) / n + 1e-12, 1.0
    while high - low > 1e-12:
        middle = (low + high) / 2
        accepted = b - c - n * middle + z * math.sqrt(n * _restricted_variance(b, c, n, middle)) > 0
        low, high = (middle, high) if accepted else (low, middle)
    return min(high, 1.0)


def _restricted_variance(b: float, c: float, n: float, difference: float) -> float:
    """Return n times the variance of (b - c) / n at the likeliest proportions with this ``difference``."""
    linear = (2 * n - b + c) * difference - b - c
    root = math.sqrt(max(0.0, linear**2 + 8 * n * c * difference * (1 - difference)))
    only_dense = max(0.0, (root - linear) / (4 * n))
    return max(0.0, 2 * only_dense + difference * (1 - difference))


def not_distinguished(
    labels: npt.NDArray[np.generic], entries: Mapping[str, npt.NDArray[np.floating]], alpha: float = 0.05
) -> list[str]:
    """Return, best mean AUC first, the best entry and all that are not distinguished from it after Holm.

    ``entries`` holds scores (S, N) by name: the same seeds, the same images.
    """
    means = {name: float(delong(labels, scores)[0].mean()) for name, scores in entries.items()}
    ordered = sorted(means, key=lambda name: -means[name])
    if not ordered:
        return []
    best, *rest = ordered
    adjusted = holm([compare_aucs(labels, entries[best], entries[name]) for name in rest])
    return [best, *(name for name, p_value in zip(rest, adjusted, strict=True) if p_value > alpha)]


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

    def __str__(self) -> str:
        """Say it in words."""
        if self.verdict == "not decidable":
            return f"not decidable with {self.positives} positives"
        return "none" if self.density is None else f"{100 * self.density:.4g} %"


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
