"""From a level's scores to every figure that the harness counts on them, by the same definitions."""

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from harness.evaluation.figures import evaluate
from harness.evaluation.terms import Terms
from harness.evaluation.thresholds import choose
from harness.results import names
from harness.results.names import Field
from harness.running.threshold_figures import threshold_figures
from harness.training.inference import spread

_HEADER = [Field.SPLIT, Field.IMAGE, Field.LABEL, Field.SCORE]


@dataclass(frozen=True)
class SplitScores:
    """The images of a split: ids, labels (N,) of 0 and 1, and scores (N,)."""

    ids: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]


ScoreTable = Mapping[str, SplitScores]
"""By split, validation and test."""


def read_scores(text: str) -> dict[str, SplitScores]:
    """Return what scores.csv holds. Raises ValueError where it is no such table, or has an image twice."""
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    if header != _HEADER:
        raise ValueError(f"{names.SCORES_FILE} begins with {','.join(header)[:60]!r}, not {','.join(_HEADER)!r}")
    if unknown := {row[0] if row else "" for row in rows} - {names.VALIDATION, names.TEST}:
        raise ValueError(f"{names.SCORES_FILE} has the split {min(unknown)[:60]!r}")
    found: dict[str, SplitScores] = {}
    for split in dict.fromkeys(row[0] for row in rows):
        ids, labels, scores = zip(*(row[1:] for row in rows if row[0] == split), strict=True)
        if len(set(ids)) < len(ids):
            raise ValueError(f"{names.SCORES_FILE} has an image of {split} twice")
        if unknown := {*labels} - {"0", "1"}:
            raise ValueError(f"{names.SCORES_FILE} has the label {min(unknown)[:60]!r}")
        found[split] = SplitScores(ids, np.array([*map(int, labels)]), np.array([*map(float, scores)]))
    return found


def recounted(table: ScoreTable, terms: Terms) -> dict[str, float]:
    """Return every figure of a done level that its scores and the run's ``terms`` decide, by the record's names.

    The thresholds are chosen on validation anew. Raises `DataError` where a class is absent or a score not finite.
    """
    validation = table[names.VALIDATION]
    thresholds = choose(validation.labels, validation.scores, terms.sensitivity)
    cuts = {name: threshold.value for name, threshold in thresholds.items()}
    figures = threshold_figures(thresholds) | {names.SPREAD: spread(torch.from_numpy(validation.scores))}
    for split, images in table.items():
        measured = evaluate(images.labels, images.scores, cuts, terms)
        figures |= {names.on(split, name): value for name, value in measured.items()}
    return {name: value for name, value in figures.items() if not math.isnan(value)}


def as_told(figures: Mapping[str, float], told: Mapping[str, float]) -> dict[str, float]:
    """Return the ``figures`` that a level should have ``told``: of one from before the cut `deployed`, those it has."""
    younger = names.DEPLOYED in told
    return {name: value for name, value in figures.items() if younger or name in told}
