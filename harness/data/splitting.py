"""Cutting a set: seeded, stratified, and what belongs together never torn apart."""

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from harness.randomness import generator

Indices = npt.NDArray[np.int64]


def units_of(*kinds: Sequence[Hashable]) -> Indices:
    """Return numbers (N,): images that share a value of any kind, directly or through others, have the same one.

    A kind has a value for each image: its group, say, and its pixels' digest; None is shared by nobody.
    """
    count = len(kinds[0])
    first: dict[tuple[int, Hashable], int] = {}
    pairs = [
        (place, first.setdefault((kind, value), place))
        for kind, values in enumerate(kinds)
        for place, value in enumerate(values)
        if value is not None
    ]
    left, right = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def part_of(labels: npt.NDArray[np.uint8], units: Indices, fraction: float, draw: tuple[int | str, ...]) -> Indices:
    """Return the sorted places of about ``fraction`` of each class, chosen by the ``draw`` alone.

    Images of one unit stay together; a unit is positive when any of its images is. Per class, units are taken in random
    order while they fit into round(fraction * images of that class).
    """
    chosen: list[int] = []
    for label, members in _units_by_class(labels, units):
        quota, taken = round(fraction * sum(map(len, members))), 0
        for unit in _shuffled(members, draw, label):
            if taken + len(unit) <= quota:
                chosen += unit
                taken += len(unit)
    return np.sort(np.array(chosen, dtype=np.int64))


def fold_of(labels: npt.NDArray[np.uint8], units: Indices, folds: int, seed: int) -> Indices:
    """Return the fold (N,), 0 to ``folds`` - 1, of each image: units in random order, each to the emptiest fold yet.

    Per class, so that folds of single images differ by one image a class at most; the largest units come first.
    """
    found = np.zeros(len(labels), dtype=np.int64)
    for label, members in _units_by_class(labels, units):
        filled = np.zeros(folds, dtype=np.int64)
        for unit in sorted(_shuffled(members, (seed, "folds"), label), key=len, reverse=True):
            # The second class starts where the first ended, so that the folds' sizes differ by one, too.
            fold = int(np.argmin(filled)) if label == 0 else folds - 1 - int(np.argmin(filled[::-1]))
            found[unit] = fold
            filled[fold] += len(unit)
    return found


def thinned(labels: npt.NDArray[np.uint8], ratio: float, seed: int) -> Indices:
    """Return the sorted places of the images that are left when there are ``ratio`` negatives per positive.

    As many as can be: images of one class alone are dropped, in an order that the seed gives, so that of two ratios the
    nearer one keeps all that the other does.
    """
    counts = {label: int((labels == label).sum()) for label in (0, 1)}
    kept = {0: min(counts[0], round(counts[1] * ratio)), 1: min(counts[1], round(counts[0] / ratio))}
    chosen = []
    for label in (0, 1):
        members = np.flatnonzero(labels == label)
        order = torch.randperm(len(members), generator=generator(seed, "imbalance", label)).numpy()
        chosen.append(members[order[: kept[label]]])
    return np.sort(np.concatenate(chosen))


def stratified_order(labels: npt.NDArray[np.uint8], draws: torch.Generator) -> Indices:
    """Return all indices in a random order whose every prefix holds each class in its share, to one image."""
    position = np.empty(len(labels))
    for label in (0, 1):
        members = np.flatnonzero(labels == label)
        shuffled = members[torch.randperm(len(members), generator=draws).numpy()]
        position[shuffled] = (np.arange(len(members)) + 0.5) / max(len(members), 1)
    return np.argsort(position, kind="stable")


def _units_by_class(labels: npt.NDArray[np.uint8], units: Indices) -> list[tuple[int, list[list[int]]]]:
    """Return (label, units as lists of places) of both classes, units in the order of their first image."""
    order = np.argsort(units, kind="stable")
    starts = np.flatnonzero(np.diff(units[order], prepend=-1))
    positive = np.maximum.reduceat(labels[order], starts) if len(order) else labels
    members = [places.tolist() for places in np.split(order, starts[1:])]
    by_first = np.argsort(order[starts])
    return [(label, [members[unit] for unit in by_first if positive[unit] == label]) for label in (0, 1)]


def _shuffled(members: list[list[int]], draw: tuple[int | str, ...], label: int) -> list[list[int]]:
    seed, *tag = draw
    order = torch.randperm(len(members), generator=generator(int(seed), *tag, label)).tolist()
    return [members[place] for place in order]
