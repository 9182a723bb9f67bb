"""Sensitivity at equal false alarms: how many positives each network finds when all cry wolf equally often."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from harness.evaluation.contrasts import Images, Measured
from harness.evaluation.metrics import Labels
from harness.evaluation.variances import Floats


class Cut(NamedTuple):
    """An image is called positive above ``value``; of a score equal to it, the share ``tie`` is called; each (...)."""

    value: Floats
    tie: Floats


def cut_at(negatives: Floats, share: float) -> Cut:
    """Return the lowest cuts that call the ``share`` of the negatives, to the fraction of an image; scores (..., N)."""
    wanted, size = share * negatives.shape[-1], negatives.shape[-1]
    values = np.sort(negatives, axis=-1)[..., size - 1 - min(math.floor(wanted), size - 1)]
    above = np.count_nonzero(negatives > values[..., None], axis=-1)
    equal = np.count_nonzero(negatives == values[..., None], axis=-1)
    return Cut(values, (wanted - above) / equal)


def called(scores: Floats, cut: Cut) -> Floats:
    """Return of each score (..., n) what is called positive: 1, 0, or the share of a tie."""
    value, tie = np.asarray(cut.value)[..., None], np.asarray(cut.tie)[..., None]
    return np.where(scores == value, tie, (scores > value).astype(np.float64))


def roc_slope(positives: Floats, negatives: Floats, at: Floats | float) -> Floats:
    """Return the slopes (...) of the ROC curves where the cuts are ``at`` (...); scores (..., n); NaN where unknown.

    f_P / f_N, by Gaussian kernels. Source of the width, one a class: Silverman (1986), equation 3.31.
    """
    above, below = (_density(own, np.asarray(at)) for own in (positives, negatives))
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)


def _density(scores: Floats, at: Floats) -> Floats:
    """Return the density of the scores (..., n) at one place each, (...); NaN of scores that are all the same."""
    spread = np.std(scores, axis=-1, ddof=1) if scores.shape[-1] > 1 else np.zeros(scores.shape[:-1])
    low, high = np.quantile(scores, (0.25, 0.75), axis=-1)
    middle = (high - low) / 1.34
    narrower = np.where(middle > 0, np.minimum(spread, middle), spread)
    width = 0.9 * np.where(spread > 0, narrower, np.nan) * scores.shape[-1] ** -0.2
    bells = np.exp(-0.5 * np.square((at[..., None] - scores) / width[..., None]))
    return np.asarray(bells.mean(axis=-1) / (width * math.sqrt(2 * math.pi)))


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
    own, others = scores[..., positive], scores[..., ~positive]
    cut = cut_at(others, share)
    found = called(own, cut)
    moved = roc_slope(own, others, cut.value)[..., None] * called(others, cut)
    return Measured(found.mean(axis=2), (Images(found), Images(moved)))


def at_cuts(labels: Labels, scores: Floats, cuts: Floats) -> tuple[Measured, Measured]:
    """Return FNR and FPR of M entries with J networks each at cuts (M, J) that were fixed before; scores (M, J, n)."""
    positive = np.asarray(labels) == 1
    above = (scores > cuts[:, :, None]).astype(np.float64)
    missed, alarms = 1 - above[:, :, positive], above[:, :, ~positive]
    return Measured(missed.mean(axis=2), (Images(missed),)), Measured(alarms.mean(axis=2), (Images(alarms),))
