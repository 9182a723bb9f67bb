"""Whether a score is the log-odds that it claims to be: Cox's regression of the label on it."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit, ndtri

from harness.evaluation.metrics import ImageScores, Labels, checked

Floats = npt.NDArray[np.float64]

_STEPS, _HALVINGS = 100, 50
_SETTLED = 1e-12


class Estimate(NamedTuple):
    """A coefficient and its interval; all NaN where the images do not decide it."""

    value: float
    low: float
    high: float


class Calibration(NamedTuple):
    """The log-odds of being positive are ``intercept`` + ``slope`` times the score: (0, 1) if the score is right.

    A slope below 1: scores too far from 0, as of a network that is too sure. An intercept above 0: more positives than
    a score of 0 says.
    """

    slope: Estimate
    intercept: Estimate


def calibration(labels: Labels, scores: ImageScores, level: float = 0.95) -> Calibration:
    """Return the maximum likelihood fit with Wald's intervals; labels and scores (N,).

    NaN where no finite fit is the likeliest: no score of one class lies among those of the other (Albert and Anderson
    1984). Raises as `checked` does. Source: Cox (1958), Biometrika 45, 562-565; Van Calster et al. (2019), BMC Medicine
    17:230, who keep the name calibration intercept for the fit with slope 1.
    """
    positive, values = checked(labels, scores)
    if _separable(values[positive], values[~positive]):
        return _UNKNOWN
    centre = float(values.mean())
    reach = float(np.abs(values - centre).max())
    fit = _fitted(positive, (values - centre) / reach)
    if fit is None:
        return _UNKNOWN
    (at_centre, by_reach), covariance = fit
    back = np.array([[1.0, -centre / reach], [0.0, 1 / reach]])  # to the scores' own origin and unit
    intercept, slope = (back @ (at_centre, by_reach)).tolist()
    errors = float(ndtri((1 + level) / 2)) * np.sqrt(np.diag(back @ covariance @ back.T))
    return Calibration(_within(slope, float(errors[1])), _within(intercept, float(errors[0])))


_UNKNOWN = Calibration(Estimate(math.nan, math.nan, math.nan), Estimate(math.nan, math.nan, math.nan))


def _within(value: float, half: float) -> Estimate:
    return Estimate(value, value - half, value + half)


def _separable(positives: Floats, negatives: Floats) -> bool:
    return bool(negatives.max() <= positives.min() or positives.max() <= negatives.min())


def _fitted(positive: npt.NDArray[np.bool_], values: Floats) -> tuple[Floats, Floats] | None:
    """Return the coefficients (2,) of 1 and the ``values`` (N,) within -1 and 1, and their covariance (2, 2).

    Newton's method; a step that would lose likelihood is halved. None where it does not settle.
    """
    design = np.stack([np.ones_like(values), values])
    found = np.zeros(2)
    reached = _log_likelihood(found, design, positive)
    for _ in range(_STEPS):
        odds = expit(found @ design)
        information = (design * (odds * (1 - odds))) @ design.T
        if not np.linalg.det(information) > 0:
            return None
        step = np.linalg.solve(information, design @ (positive - odds))
        for _ in range(_HALVINGS):
            if (there := _log_likelihood(found + step, design, positive)) >= reached:
                break
            step = step / 2
        found, reached = found + step, max(there, reached)
        if np.abs(step).max() <= _SETTLED * max(1.0, float(np.abs(found).max())):
            return found, np.asarray(np.linalg.inv(information), dtype=np.float64)
    return None


def _log_likelihood(coefficients: Floats, design: Floats, positive: npt.NDArray[np.bool_]) -> float:
    scores = coefficients @ design
    return float(-np.logaddexp(0.0, np.where(positive, -scores, scores)).sum())
