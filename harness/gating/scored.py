"""The scores of one network on test images, wherever they come from, and two of them joined by image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from harness.errors import DataError

SHOWN = 20
"""So many faults of a kind are named, more are counted."""


@dataclass(frozen=True)
class Scored:
    """One network's ``scores`` of images, by id, with their ``labels`` (1 = positive); none of an id twice.

    ``name`` is what it is called in a sentence, ``cut`` where its score would be cut, fixed on other images.
    ``fold`` is the one that it was tested on, 0 where the publisher's images are tested, None where nobody knows.
    ``told`` are plain values for --json: where it comes from, what its file is. ``limits`` are sentences on what takes
    its scores their meaning, the gravest first.
    """

    name: str
    labels: Mapping[str, int]
    scores: Mapping[str, float]
    cut: float | None = None
    fold: int | None = None
    told: Mapping[str, Any] = field(default_factory=dict)
    limits: tuple[str, ...] = ()


class Joined(NamedTuple):
    """Two networks on the same images, sorted by id: labels (n,) and the scores of each (n,)."""

    ids: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    baseline: npt.NDArray[np.float64]
    candidate: npt.NDArray[np.float64]


def joined(candidate: Scored, baseline: Scored) -> Joined:
    """Return both on their images. Raises `DataError` naming each that one of them lacks or that they label unlike."""
    faults = [
        *_lacking(candidate, baseline),
        *_lacking(baseline, candidate),
        *_contradicting(candidate, baseline),
    ]
    if faults:
        raise DataError(
            f"{candidate.name} and {baseline.name} were not scored on the same images",
            faults=faults,
            fix="give scores of the same images with the same ids and labels (1 = the class not to miss)",
        )
    ids = tuple(sorted(baseline.scores))
    return Joined(
        ids,
        np.array([baseline.labels[one] for one in ids], dtype=np.int64),
        np.array([baseline.scores[one] for one in ids], dtype=np.float64),
        np.array([candidate.scores[one] for one in ids], dtype=np.float64),
    )


def limits_of(candidate: Scored, baseline: Scored) -> list[str]:
    """Return what must be known before the answer: each sentence once, and of which side where it is of one."""
    shared = [one for one in candidate.limits if one in baseline.limits]
    sides = (("candidate", candidate), ("baseline", baseline))
    return [*shared, *(f"The {word}: {one}" for word, side in sides for one in side.limits if one not in shared)]


def named(texts: Sequence[str]) -> str:
    """Return the first texts, and how many more there are."""
    more = len(texts) - SHOWN
    return ", ".join(texts[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _lacking(one: Scored, other: Scored) -> list[str]:
    absent = sorted(other.scores.keys() - one.scores.keys())
    of = f"{len(absent)} of {len(other.scores)} images of {other.name}"
    return [f"{one.name} lacks {of}: {named(absent)}"] if absent else []


def _contradicting(one: Scored, other: Scored) -> list[str]:
    shared = sorted(one.labels.keys() & other.labels.keys())
    wrong = [image for image in shared if one.labels[image] != other.labels[image]]
    return [f"{len(wrong)} images have another label in {one.name}: {named(wrong)}"] if wrong else []
