"""Sensitivity at equal false alarms: how many positives each network finds when all cry wolf equally often."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from harness.evaluation.contrasts import Floats, Images, Measured
from harness.evaluation.metrics import Labels


class Cut(NamedTuple):
    """An image is called positive above ``value``; of a score equal to it, the share ``tie`` is called."""

    value: float
    tie: float


def cut_at(negatives: Floats, share: float) -> Cut:
    """Return the cut at which the ``share`` of the negatives' scores (N,) is called, to the fraction of an image."""
    value = float(np.sort(negatives)[::-1][min(math.floor(share * negatives.size), negatives.size - 1)])
    above, equal = np.count_nonzero(negatives > value), np.count_nonzero(negatives == value)
    return Cut(value, (share * negatives.size - above) / equal)


def called(scores: Floats, cut: Cut) -> Floats:
    """Return of each score (n,) what is called positive: 1, 0, or the share of a tie."""
    return np.where(scores == cut.value, cut.tie, (scores > cut.value).astype(np.float64))


def roc_slope(positives: Floats, negatives: Floats, at: float) -> float:
    """Return the slope of the ROC curve where the cut is ``at``: f_P / f_N, by Gaussian kernels; NaN where unknown.

    Source of the width, one a class: Silverman (1986), equation 3.31.
    """
    below = _density(negatives, at)
    return _density(positives, at) / below if below > 0 else math.nan


def _density(scores: Floats, at: float) -> float:
    spread = float(np.std(scores, ddof=1)) if scores.size > 1 else 0.0
    quartiles = np.quantile(scores, (0.25, 0.75))
    middle = float(quartiles[1] - quartiles[0]) / 1.34
    width = 0.9 * (min(spread, middle) or spread) * scores.size**-0.2
    if not width > 0:
        return math.nan
    return float(np.mean(np.exp(-0.5 * np.square((at - scores) / width)))) / (width * math.sqrt(2 * math.pi))


def sensitivity_at(labels: Labels, scores: npt.NDArray[np.floating], share: float) -> float:
    """Return the share of the positives above the cut that calls ``share`` of the negatives; labels and scores (n,)."""
    positive, values = np.asarray(labels) == 1, np.asarray(scores, dtype=np.float64)
    return float(called(values[positive], cut_at(values[~positive], share)).mean())


def equal_alarms(labels: Labels, scores: Floats, share: float) -> Measured:
    """Return the sensitivities at ``share`` false alarms of M entries with J networks each; scores (M, J, n).

    The cut is that of these very negatives, so that another draw of them would move it: by the slope of the ROC curve
    a negative has its share in the figure, too.
    """
    positive = np.asarray(labels) == 1
    entries, networks, _ = scores.shape
    found = np.empty((entries, networks, int(positive.sum())))
    moved = np.empty((entries, networks, int((~positive).sum())))
    for place in np.ndindex(entries, networks):
        own, others = scores[place][positive], scores[place][~positive]
        cut = cut_at(others, share)
        found[place] = called(own, cut)
        moved[place] = roc_slope(own, others, cut.value) * called(others, cut)
    return Measured(found.mean(axis=2), (Images(found), Images(moved)))


def at_cuts(labels: Labels, scores: Floats, cuts: Floats) -> tuple[Measured, Measured]:
    """Return FNR and FPR of M entries with J networks each at cuts (M, J) that were fixed before; scores (M, J, n)."""
    positive = np.asarray(labels) == 1
    above = (scores > cuts[:, :, None]).astype(np.float64)
    missed, alarms = 1 - above[:, :, positive], above[:, :, ~positive]
    return Measured(missed.mean(axis=2), (Images(missed),)), Measured(alarms.mean(axis=2), (Images(alarms),))
