"""Entries compared across data sets and networks: average ranks, and which of them differ."""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata, studentized_range

from harness.evaluation.variances import Floats

FEWEST = 3
"""So many blocks and entries there must be: below, an average rank says nothing."""

LEVEL = 0.95
DRAWS = 9999


class Placing(NamedTuple):
    """An entry's average ``rank`` over the blocks, 1 for the best, and its bootstrap interval over the blocks."""

    entry: str
    rank: float
    low: float
    high: float


class Friedman(NamedTuple):
    """Friedman's statistic, that of Iman and Davenport (inf where all blocks agree), and the permutation p-value."""

    chi2: float
    f: float
    p: float


class Across(NamedTuple):
    """What several blocks say of the entries that all of them have.

    ``placings`` are best first. ``groups`` are the entries that are not told apart, as intervals of that order, the
    largest only: those within one ``critical_difference``, all of them where Friedman's test finds no difference.
    """

    placings: tuple[Placing, ...]
    friedman: Friedman
    critical_difference: float
    groups: tuple[tuple[str, ...], ...]


def complete(blocks: Sequence[Mapping[str, float]]) -> list[str]:
    """Return the entries that every block has a figure of, in the order of the first."""
    return [entry for entry in blocks[0] if all(entry in block for block in blocks)] if blocks else []


def compare_across(blocks: Sequence[Mapping[str, float]]) -> Across | None:
    """Return what ``blocks`` say, each the figures of its entries by name, higher is better; None where too few.

    A block is one data set and network. Entries that a block lacks take no part; equal figures share their mean rank.
    Source: Demsar (2006), Journal of Machine Learning Research 7, 1-30.
    """
    entries = complete(blocks)
    if min(len(blocks), len(entries)) < FEWEST:
        return None
    ranks = np.array([rankdata([-block[entry] for entry in entries]) for block in blocks])
    # Of equal average ranks the names decide, so that the order is the same on every machine.
    order = sorted(range(len(entries)), key=lambda index: (float(ranks[:, index].sum()), entries[index]))
    ranks, entries = ranks[:, order], [entries[index] for index in order]
    low, high = bootstrap_interval(ranks)
    found = friedman(ranks)
    difference = critical_difference(*ranks.shape)
    means = ranks.mean(axis=0)
    apart = difference if found.p < 1 - LEVEL else math.inf
    groups = tuple(tuple(entries[first : last + 1]) for first, last in _runs(means, apart))
    rows = zip(entries, means, low, high, strict=True)
    placings = tuple(Placing(entry, *map(float, figures)) for entry, *figures in rows)
    return Across(placings, found, difference, groups)


def friedman(ranks: Floats) -> Friedman:
    """Return the test of equal entries by ranks (N blocks, k entries).

    The p-value is the share of permutations within the blocks, drawn with a fixed seed, whose ranks differ as much: it
    holds for few blocks, and for ties, where neither distribution does. Source: Friedman (1937), Iman and Davenport
    (1980), as in Demsar (2006), section 3.2.2.
    """
    blocks, entries = ranks.shape
    chi2 = float(_chi2(ranks))
    left = blocks * (entries - 1) - chi2
    f = (blocks - 1) * chi2 / left if left > 1e-9 else math.inf
    permuted = np.random.default_rng(0).permuted(np.tile(ranks, (DRAWS, 1, 1)), axis=2)
    # A sum in another order may differ by its last bit.
    as_far = int((_chi2(permuted) >= chi2 - 1e-9).sum())
    return Friedman(chi2, f, (1 + as_far) / (1 + DRAWS))


def _chi2(ranks: Floats) -> Floats:
    """Return Friedman's statistic of ranks (..., N, k)."""
    blocks, entries = ranks.shape[-2:]
    squares = (ranks.mean(axis=-2) ** 2).sum(axis=-1)
    return np.asarray(12 * blocks / (entries * (entries + 1)) * (squares - entries * (entries + 1) ** 2 / 4))


@cache
def critical_difference(blocks: int, entries: int) -> float:
    """Return the least difference of two average ranks that Nemenyi's test (1963) shows, 5 % over all pairs."""
    quantile = float(studentized_range.ppf(LEVEL, entries, math.inf)) / math.sqrt(2)
    return quantile * math.sqrt(entries * (entries + 1) / (6 * blocks))


def bootstrap_interval(ranks: Floats) -> tuple[Floats, Floats]:
    """Return the 95 % percentile interval of each average rank, (k,) each, over blocks drawn with a fixed seed.

    Of few blocks it is too narrow. Source: Efron and Tibshirani (1993), chapter 13.
    """
    blocks = len(ranks)
    drawn = ranks[np.random.default_rng(0).integers(blocks, size=(DRAWS, blocks))].mean(axis=1)
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return low, high


def _runs(means: Floats, apart: float) -> list[tuple[int, int]]:
    """Return first and last index of the largest runs of ascending ``means`` that lie closer than ``apart``."""
    found: list[tuple[int, int]] = []
    for first, mean in enumerate(means):
        last = int(np.searchsorted(means, mean + apart, side="left")) - 1
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found
