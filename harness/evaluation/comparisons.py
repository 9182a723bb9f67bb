"""Who is better than whom: all pairs of a family of levels, and an order that never says more than they do."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from string import ascii_lowercase

import numpy as np
from scipy.special import stdtrit

from harness.evaluation.contrasts import Contrast, Measured, contrasts

FAMILY_LEVEL = 0.05
POWER_Z = 0.8416
"""Normal quantile of a power of .8."""


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the adjusted p-values, in the order given: <= alpha exactly where Holm (1979) rejects."""
    adjusted = [1.0] * len(p_values)
    running = 0.0
    for done, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        running = max(running, min(1.0, (len(p_values) - done) * p_values[index]))
        adjusted[index] = running
    return adjusted


@dataclass(frozen=True)
class Order:
    """The entries of one level by falling mean, and what is shown of it.

    ``means`` are in the order of ``entries``. ``shown`` holds the places (i, j), i < j, where i is shown to be better,
    after correction for the whole family; with each, all that lie further apart.
    """

    entries: tuple[str, ...]
    means: tuple[float, ...]
    shown: frozenset[tuple[int, int]]

    def rank(self, entry: str) -> int:
        """Return 1 + the number of entries that are shown to be better: it never contradicts the order."""
        place = self.entries.index(entry)
        return 1 + sum((better, place) in self.shown for better in range(place))

    @property
    def ties(self) -> tuple[tuple[str, ...], ...]:
        """Return the longest runs of the order in which nothing is shown, best first; runs may overlap."""
        runs: list[tuple[int, int]] = []
        for start in range(len(self.entries)):
            end = start
            while end + 1 < len(self.entries) and (start, end + 1) not in self.shown:
                end += 1
            if not runs or end > runs[-1][1]:
                runs.append((start, end))
        return tuple(self.entries[start : end + 1] for start, end in runs)

    def letters(self, entry: str) -> str:
        """Return a letter for each run of `ties` that holds the entry: who shares none is told apart."""
        return "".join(_letter(place) for place, run in enumerate(self.ties) if entry in run)


def _letter(place: int) -> str:
    more, own = divmod(place, len(ascii_lowercase))
    return ascii_lowercase[own] + (str(more) if more else "")


@dataclass(frozen=True)
class Level:
    """The entries of one level and their figures, one part for seeds, several for folds."""

    entries: tuple[str, ...]
    parts: tuple[Measured, ...]

    @property
    def means(self) -> list[float]:
        """Return each entry's mean over networks and parts."""
        return [float(mean) for mean in np.mean([part.values.mean(axis=1) for part in self.parts], axis=0)]


def compared(levels: Sequence[Level], alpha: float = FAMILY_LEVEL) -> list[Order]:
    """Return the order of each level. The family is all pairs of all ``levels``, corrected by Holm (1979).

    A pair counts as told apart only where all pairs that enclose it are, so that ties are runs of the order.
    """
    ordered = [np.argsort([-mean for mean in level.means], kind="stable").tolist() for level in levels]
    pairs = [list(combinations(range(len(own)), 2)) for own in ordered]
    found = [
        pair_contrasts(level, [(own[first], own[second]) for first, second in places])
        for level, own, places in zip(levels, ordered, pairs, strict=True)
    ]
    adjusted = iter(holm([one.p_value for level in found for one in level]))
    orders = []
    for level, own, places in zip(levels, ordered, pairs, strict=True):
        rejected = {place for place in places if next(adjusted) <= alpha}
        entries, means = tuple(level.entries[i] for i in own), tuple(level.means[i] for i in own)
        orders.append(Order(entries, means, _closed(rejected, len(own))))
    return orders


def pair_contrast(level: Level, first: int, second: int) -> Contrast:
    """Return the difference first - second of two entries by their places."""
    return pair_contrasts(level, [(first, second)])[0]


def pair_contrasts(level: Level, pairs: Sequence[tuple[int, int]]) -> list[Contrast]:
    """Return the differences first - second of pairs of entries by their places."""
    weights = np.zeros((len(pairs), len(level.entries)))
    for row, (first, second) in zip(weights, pairs, strict=True):
        row[first], row[second] = 1, -1
    return contrasts(level.parts, weights)


def _closed(rejected: set[tuple[int, int]], entries: int) -> frozenset[tuple[int, int]]:
    """Keep the pairs whose enclosing pairs were rejected, too."""
    kept: set[tuple[int, int]] = set()
    for width in range(entries - 1, 0, -1):
        for first in range(entries - width):
            around = [(first - 1, first + width), (first, first + width + 1)]
            if (first, first + width) in rejected and all(
                pair in kept for pair in around if pair[0] >= 0 and pair[1] < entries
            ):
                kept.add((first, first + width))
    return frozenset(kept)


def resolution(levels: Sequence[Level], alpha: float = FAMILY_LEVEL) -> float | None:
    """Return the gap that is told apart with power .8 between two entries of a family, by its own noise.

    Of the pairs' standard errors the median counts; the first step of Holm's correction. None without two entries.
    """
    found = [one for level in levels for one in pair_contrasts(level, list(combinations(range(len(level.entries)), 2)))]
    known = [one for one in found if one.error]
    if not known:
        return None
    errors, freedoms = (float(np.median(own)) for own in zip(*((one.error, one.freedom) for one in known), strict=True))
    return float(stdtrit(freedoms, 1 - alpha / (2 * len(found))) + POWER_Z) * errors
