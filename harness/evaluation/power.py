"""What a study of some size could tell, by the formulas of the verdicts, before anybody trains."""

import math
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaincinv, ndtr, ndtri, stdtrit

from harness.evaluation.binormal import Expected, expected_auc, expected_sensitivity
from harness.evaluation.contrasts import Floats, overlap
from harness.evaluation.study import Assumptions, Study

POWER = 0.8
"""What is found so often is told apart, or shown."""

LEVEL = 0.95
_MIDDLES = (np.arange(1000) + 0.5) / 1000


class Precision(NamedTuple):
    """The expected variance of an estimate, and the degrees of freedom of the Student's t that it is used with."""

    variance: float
    freedom: float

    def power(self, distance: float, alpha: float) -> float:
        """Return how often a true ``distance`` from 0 is shown, one-sided, with the error ``alpha``."""
        bound = stdtrit(self.freedom, 1 - alpha) * _estimated_deviations(self.freedom)
        return float(np.mean(ndtr(distance / math.sqrt(self.variance) - bound)))

    def shown(self, alpha: float) -> float:
        """Return the least distance from 0 that is shown with power `POWER`, one-sided, with the error ``alpha``."""
        unit = Precision(1.0, self.freedom)
        # Even an estimate of the deviation that is five times too large leaves this in reach.
        most = 5 * float(stdtrit(self.freedom, 1 - alpha)) + 5
        return math.sqrt(self.variance) * float(brentq(lambda distance: unit.power(distance, alpha) - POWER, 0, most))

    def half_width(self) -> float:
        """Return half of the 95 % interval."""
        return float(stdtrit(self.freedom, (1 + LEVEL) / 2)) * math.sqrt(self.variance)


@cache
def _estimated_deviations(freedom: float) -> Floats:
    """Return evenly likely values of estimated / true standard deviation; a power is the mean over them."""
    return np.asarray(np.sqrt(gammaincinv(freedom / 2, _MIDDLES) * 2 / freedom), dtype=np.float64)


def of_difference(study: Study, assumed: Assumptions, figure: Expected, pooled: int) -> Precision:
    """Return that of the difference of two equal entries' means, at least `FEWEST_NETWORKS` networks each.

    The seed variance is ``pooled`` over so many entries, two at least. With folds: Nadeau and Bengio (2003), whose
    variance is taken for the true one, so that power above one half is rather understated.
    """
    covariance = _covariances(study, figure)
    other, seed, both = (covariance(one) for one in (assumed.correlation, assumed.seed_correlation, assumed.both))
    each, training = covariance(1.0), (assumed.tau * figure.slope) ** 2
    images = 2 * ((each - other) / study.seeds + (1 - 1 / study.seeds) * (seed - both))
    residual = each - other - seed + both + training
    return _precision(study, images + 2 * training / study.seeds, 2 * residual / study.seeds, pooled - 1)


def of_dense(study: Study, assumed: Assumptions, figure: Expected) -> Precision:
    """Return that of the dense network's mean figure; its own seeds alone tell their variance."""
    covariance = _covariances(study, figure)
    each, seed = covariance(1.0), covariance(assumed.seed_correlation)
    training = (assumed.tau * figure.slope) ** 2
    images = each / study.seeds + (1 - 1 / study.seeds) * seed
    return _precision(study, images + training / study.seeds, (each - seed + training) / study.seeds, 1)


def _covariances(study: Study, figure: Expected) -> Callable[[float], float]:
    """Return the covariance over the images of one test part by the scores' correlation."""
    parts = study.folds or 1
    return lambda correlation: figure.covariance(correlation, study.positives / parts, study.negatives / parts)


def _precision(study: Study, variance: float, estimated: float, times: int) -> Precision:
    """Return that of a figure with this variance in one test part, of which ``estimated`` comes from seeds alone.

    ``times``: over so many entries. Source of the degrees of freedom: Satterthwaite (1946).
    """
    if study.folds:
        return Precision(variance * overlap(study.folds), times * (study.folds - 1))
    return Precision(variance, times * (study.seeds - 1) * (variance / estimated) ** 2)


class Comparison(NamedTuple):
    """What AUC tells of two entries; ``gap`` is what is told apart, ``found`` the power for the gap asked for."""

    half_width: float
    gap: float
    found: float


def comparison(study: Study, assumed: Assumptions, gap: float) -> Comparison:
    """Return what is told apart by a two-sided test at Holm's first step among all pairs and levels.

    Source of the step: Holm (1979).
    """
    precision = of_difference(study, assumed, expected_auc(assumed.auc), study.entries)
    alpha = (1 - LEVEL) / (2 * study.comparisons)
    return Comparison(precision.half_width(), precision.shown(alpha), precision.power(gap, alpha))


class Safe(NamedTuple):
    """How often a network that loses nothing is called safe, ``called``, and the dense one strong enough, ``strong``.

    ``bounded`` is how often the loss is shown to be below the margin, however strong the dense network.
    """

    called: float
    bounded: float
    strong: float


def safe(study: Study, assumed: Assumptions, fpr: float, delta: float) -> Safe:
    """Return the chances of the answer *safe* where nothing is lost, at equal shares ``fpr`` of false alarms.

    The loss must be shown below ``delta`` and the dense lift above 2 ``delta``. Of a dense network that happens to look
    strong the other looks as if it lost: the two are joined by a normal copula with their estimates' correlation.
    """
    figure = expected_sensitivity(assumed.auc, fpr)
    loss = of_difference(study, assumed, figure, study.entries + 1)  # dense is one of them
    dense = of_dense(study, assumed, figure)
    bounded = loss.power(delta, 1 - LEVEL)
    strong = dense.power(figure.value - fpr - 2 * delta, 1 - LEVEL)
    return Safe(_both(bounded, strong, -math.sqrt(loss.variance / dense.variance) / 2), bounded, strong)


def _both(first: float, second: float, correlation: float) -> float:
    """Return the probability of two events with these chances, by a normal copula."""
    if min(first, second) <= 0:
        return 0.0
    chances = _MIDDLES * first
    rest = math.sqrt(1 - correlation**2)
    return float(first * np.mean(ndtr((ndtri(second) - correlation * ndtri(chances)) / rest)))


def strong_from(study: Study, assumed: Assumptions, fpr: float, delta: float) -> float | None:
    """Return the AUC from which a dense network is shown strong enough with power `POWER`; None: from none."""

    def lacking(auc: float) -> float:
        figure = expected_sensitivity(auc, fpr)
        return of_dense(study, assumed, figure).power(figure.value - fpr - 2 * delta, 1 - LEVEL) - POWER

    weakest, best = 0.5, 0.9999
    return float(brentq(lacking, weakest, best)) if lacking(best) > 0 else None
