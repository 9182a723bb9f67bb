"""Predicted probabilities beside what came of them, in bins of equal size: how far a score may be believed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from harness.reports.analysis.outcomes import Outcome

BINS = 10


@dataclass(frozen=True)
class Bin:
    """``images`` answers with the mean ``predicted`` probability, of which the share ``observed`` is positive."""

    predicted: float
    observed: float
    images: int


def reliability(done: Sequence[Outcome]) -> tuple[Bin, ...]:
    """Return ten bins of the answers of all done cells of one entry and level, the least likely first.

    Each network's answer to each image counts once; scores are taken as log-odds. Fewer bins where there are fewer
    answers. Source: Broecker and Smith (2007), "Increasing the reliability of reliability diagrams".
    """
    scores = np.array([score for one in done if one.scores is not None for score in one.scores])
    labels = np.array([label for one in done if one.labels is not None for label in one.labels])
    order = np.argsort(scores, kind="stable")
    parts = zip(np.array_split(expit(scores)[order], BINS), np.array_split(labels[order], BINS), strict=True)
    return tuple(Bin(float(p.mean()), float(own.mean()), int(p.size)) for p, own in parts if p.size)
