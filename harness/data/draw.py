"""Which of a set's images one network is trained, validated and tested on."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from harness.data.splitting import fold_of, part_of, thinned
from harness.errors import DataError, UsageError

Indices = npt.NDArray[np.int64]

FEWEST = 10
"""Training images of a class that a ratio must leave."""


class Cut(NamedTuple):
    """Sorted, disjoint places of the images of each part in the whole set."""

    train: Indices
    validation: Indices
    test: Indices


class Cutting(NamedTuple):
    """How a set is cut; with its labels and groups, and a network's seed, this decides a `Cut`.

    ``fold`` of ``folds`` is tested, counted from 0; None: the publisher's test images, or ``test_fraction`` of all
    where there is no such split. ``validation_fraction`` of the rest is validation, unless its publisher gives one,
    drawn by the network's seed; by ``split_seed`` alone where ``fixed``. ``imbalance`` is the number of negatives per
    positive that is left in training, None: all.
    """

    validation_fraction: float
    test_fraction: float
    fixed: bool
    split_seed: int
    folds: int | None = None
    fold: int | None = None
    imbalance: float | None = None


def test_images(how: Cutting, labels: npt.NDArray[np.uint8], units: Indices, splits: npt.NDArray[np.str_]) -> Indices:
    """Return the sorted places of the test images, the same for every seed.

    ``units`` (N,) numbers what stays together; ``splits`` (N,) are the publisher's, empty where there is none.
    """
    if how.folds is not None:
        return np.flatnonzero(fold_of(labels, units, how.folds, how.split_seed) == how.fold)
    if (splits == "").all():
        return part_of(labels, units, how.test_fraction, (how.split_seed, "test"))
    return np.flatnonzero(splits == "test")


def cut(
    how: Cutting, labels: npt.NDArray[np.uint8], units: Indices, splits: npt.NDArray[np.str_], seed: int, name: str
) -> Cut:
    """Return the images of each part for one ``seed``; arguments as in `test_images`, ``name`` is the data set's.

    Raises `DataError` where a part has no positive or no negative.
    """
    test = test_images(how, labels, units, splits)
    rest = np.setdiff1d(np.arange(len(labels)), test)
    if how.folds is None and (splits == "validation").any():
        held_out = np.flatnonzero(splits == "validation")
    else:
        place = ("split", how.fold) if how.folds is not None else ("split",)
        drawn = how.split_seed if how.fixed else seed
        held_out = rest[part_of(labels[rest], units[rest], how.validation_fraction, (drawn, *place))]
    train = np.setdiff1d(rest, held_out)
    if how.imbalance is not None:
        train = train[thinned(labels[train], how.imbalance, seed)]
    found = Cut(train, held_out, test)
    _require_both_classes(found, labels, name)
    return found


def require_ratios(ratios: tuple[float | None, ...], negatives: int, positives: int, name: str) -> None:
    """Raise `UsageError` naming each ratio of negatives per positive that so many training images cannot give."""
    low, high = FEWEST / max(positives, 1), negatives / FEWEST
    wrong = [ratio for ratio in ratios if ratio is not None and not low <= ratio <= high]
    if wrong:
        raise UsageError(
            f"{name} has {negatives} negatives and {positives} positives to train on, which cannot give"
            f" {', '.join(f'{ratio:g}' for ratio in wrong)} negatives per positive with {FEWEST} images of each class",
            fix=f"use ratios from {low:.2g} to {high:.3g} (natural is {negatives / max(positives, 1):.2f})",
        )


def _require_both_classes(found: Cut, labels: npt.NDArray[np.uint8], name: str) -> None:
    faults = []
    for part, chosen in zip(("training", "validation", "test"), found, strict=True):
        positives = int(labels[chosen].sum())
        if not 0 < positives < len(chosen):
            faults.append(f"the {part} part has {positives} positives and {len(chosen) - positives} negatives")
    if faults:
        raise DataError(
            f"{name} cannot be cut so that each part has both classes",
            faults=faults,
            fix="change data.validation_fraction, data.test_fraction or --folds, or use a larger set",
        )
