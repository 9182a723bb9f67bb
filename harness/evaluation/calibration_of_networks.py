"""Calibration of several networks on the same images, with what each image contributes to slope and intercept."""

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from harness.evaluation.calibration import calibration
from harness.evaluation.contrasts import Images, Measured
from harness.evaluation.metrics import Labels
from harness.evaluation.variances import Floats


def calibrations(labels: Labels, scores: Floats) -> tuple[Measured, Measured]:
    """Return slopes and intercepts of M entries with J networks each, scores (M, J, n); NaN as of `calibration`.

    An image's share is what leaving it out would change, to first order (Pregibon 1981, Annals of Statistics 9,
    705-724), so that their variance is White's (1982, Econometrica 50, 1-25): it holds where no line fits, too. Raises
    as `calibration` does.
    """
    positive = np.asarray(labels) == 1
    entries, networks, images = scores.shape
    values, shares = np.empty((2, entries, networks)), np.empty((2, entries, networks, images))
    for place in np.ndindex(entries, networks):
        slope, intercept = (one.value for one in calibration(labels, scores[place]))
        values[:, *place] = slope, intercept
        shares[:, *place] = _influence(positive, scores[place], slope, intercept)
    classes = [(own[..., positive] * positive.sum(), own[..., ~positive] * (~positive).sum()) for own in shares]
    slopes, intercepts = (
        Measured(value, (Images(found), Images(rest))) for value, (found, rest) in zip(values, classes, strict=True)
    )
    return slopes, intercepts


def _influence(positive: npt.NDArray[np.bool_], scores: Floats, slope: float, intercept: float) -> Floats:
    """Return what each image adds to slope and intercept, (2, n); NaN where these are."""
    if np.isnan(slope):
        return np.full((2, scores.size), np.nan)
    design = np.stack([scores, np.ones_like(scores)])
    odds = expit(intercept + slope * scores)
    information = (design * odds * (1 - odds)) @ design.T
    return np.asarray(np.linalg.solve(information, design * (positive - odds)), dtype=np.float64)
