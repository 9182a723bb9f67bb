"""What a study of some size could tell, by the formulas of the verdicts, before anybody trains."""

import math
from collections.abc import Callable
from dataclasses import replace
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

_MANY, _SOME = ((np.arange(number) + 0.5) / number for number in (400, 40))
"""Middles of equally likely parts: of one thing that is drawn, and of each of two."""


class Noise(NamedTuple):
    """The expected variances of a figure of one test part, means over the networks of an entry.

    ``images``: of these networks on other images; ``training``: of the networks' true figures. ``residual`` is what a
    table entry x network shows of both.
    """

    images: float
    training: float
    residual: float


class Precision(NamedTuple):
    """The ``variance`` of an estimate; the standard ``errors`` (n,) that would be estimated for it, equally likely, and
    the degrees of freedom that each would be used with.
    """

    variance: float
    errors: Floats
    freedom: Floats

    def bounds(self, alpha: float) -> Floats:
        """Return what an estimate must exceed to be shown above 0, one-sided, with the error ``alpha``."""
        return np.asarray(stdtrit(self.freedom, 1 - alpha)) * self.errors

    def power(self, distance: float, alpha: float) -> float:
        """Return how often a true ``distance`` from 0 is shown, one-sided, with the error ``alpha``."""
        return float(np.mean(ndtr((distance - self.bounds(alpha)) / math.sqrt(self.variance))))

    def shown(self, alpha: float) -> float:
        """Return the least distance from 0 that is shown with power `POWER`, one-sided, with the error ``alpha``."""
        bounds, deviation = self.bounds(alpha), math.sqrt(self.variance)

        def lacking(distance: float) -> float:
            return float(np.mean(ndtr((distance - bounds) / deviation))) - POWER

        return float(brentq(lacking, 0, float(bounds.max()) + 5 * deviation))

    def half_width(self) -> float:
        """Return half of the 95 % interval, on average."""
        return float(self.bounds((1 - LEVEL) / 2).mean())


def of_difference(study: Study, assumed: Assumptions, figure: Expected) -> Noise:
    """Return the noise of the difference of two equal entries."""
    covariance = _covariances(study, figure)
    other, seed, both = (covariance(one) for one in (assumed.correlation, assumed.seed_correlation, assumed.both))
    each, training = covariance(1.0), (assumed.tau * figure.slope) ** 2
    images = 2 * ((each - other) / study.seeds + (1 - 1 / study.seeds) * (seed - both))
    residual = each - other - seed + both + training
    return Noise(images, 2 * training / study.seeds, 2 * residual / study.seeds)


def of_dense(study: Study, assumed: Assumptions, figure: Expected) -> Noise:
    """Return the noise of the dense network's figure."""
    covariance = _covariances(study, figure)
    each, seed = covariance(1.0), covariance(assumed.seed_correlation)
    training = (assumed.tau * figure.slope) ** 2
    images = each / study.seeds + (1 - 1 / study.seeds) * seed
    return Noise(images, training / study.seeds, (each - seed + training) / study.seeds)


def _covariances(study: Study, figure: Expected) -> Callable[[float], float]:
    """Return the covariance over the images of one test part by the scores' correlation."""
    parts = study.folds or 1
    return lambda correlation: figure.covariance(correlation, study.positives / parts, study.negatives / parts)


def pooled(study: Study, noise: Noise, entries: int) -> Precision:
    """Return the precision where the variance over networks is pooled over the differences of so many ``entries``."""
    freedom = (entries - 1) * _freedom(study)
    return _precision(study, noise, _squares(freedom, _MANY) / freedom, np.full(_MANY.size, float(freedom)))


def larger(study: Study, noise: Noise, entries: int, lacking: float = 0.0) -> Precision:
    """Return the precision where of the pooled variance and the difference's own the larger counts, and ``lacking`` is
    added; three ``entries`` at least. The pooled one holds the own one.
    """
    freedom = _freedom(study)
    own, rest = _squares(freedom, _SOME)[:, None], _squares((entries - 2) * freedom, _SOME)[None]
    alone, together = own / freedom, (own + rest) / ((entries - 1) * freedom)
    freedoms = np.where(alone > together, freedom, (entries - 1.0) * freedom)
    return _precision(study, noise, np.maximum(alone, together).ravel(), freedoms.ravel(), lacking)


def _squares(freedom: int, parts: Floats) -> Floats:
    """Return the quantiles of chi-square at ``parts``."""
    return np.asarray(2 * gammaincinv(freedom / 2, parts))


def _freedom(study: Study) -> int:
    """Return the degrees of freedom of one difference over what is the sample: the folds, or else the seeds."""
    return (study.folds or study.seeds) - 1


def _precision(study: Study, noise: Noise, ratios: Floats, freedom: Floats, lacking: float = 0.0) -> Precision:
    """Return the precision by the ``ratios`` (n,) of estimated and true variance over networks.

    With folds the variance of Nadeau and Bengio (2003) is taken for the true one, so that a power above one half is
    rather understated. Without, only a part of it is estimated by networks; the degrees of freedom are those of
    Satterthwaite (1946), the images' are taken for known.
    """
    variance = noise.images + noise.training
    if study.folds:
        variance *= overlap(study.folds)
        return Precision(variance, np.sqrt(variance * ratios + lacking), freedom)
    estimated = noise.residual * ratios
    total = np.maximum(variance - noise.residual + estimated, noise.images)
    return Precision(variance, np.sqrt(total + lacking), freedom * (total / estimated) ** 2)


class Comparison(NamedTuple):
    """What AUC tells of two entries: half of one difference's 95 % interval, and the ``gap`` that is told apart."""

    half_width: float
    gap: float


def comparison(study: Study, assumed: Assumptions) -> Comparison:
    """Return what is told apart by a two-sided test at Holm's (1979) first step among all pairs and levels."""
    precision = _of_aucs(study, assumed)
    return Comparison(precision.half_width(), precision.shown(_first_step(study)))


def found(study: Study, assumed: Assumptions, gap: float) -> float:
    """Return how often two entries whose AUCs are ``gap`` apart are told apart by the same test."""
    return _of_aucs(study, assumed).power(gap, _first_step(study))


def _of_aucs(study: Study, assumed: Assumptions) -> Precision:
    return pooled(study, of_difference(study, assumed, expected_auc(assumed.auc)), study.entries)


def _first_step(study: Study) -> float:
    return (1 - LEVEL) / (2 * study.comparisons)


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
    noise = of_difference(study, assumed, figure)
    loss = larger(study, noise, study.entries + 1, _lacking(study, assumed, figure, delta))  # dense is one of them
    bounded, strong = loss.power(delta, 1 - LEVEL), shown_strong(study, assumed, fpr, delta)
    dense = of_dense(study, assumed, figure)
    share = (noise.images + noise.training) / (dense.images + dense.training)
    return Safe(_both(bounded, strong, -math.sqrt(share) / 2), bounded, strong)


def _lacking(study: Study, assumed: Assumptions, figure: Expected, delta: float) -> float:
    """Return what the variance over the positives lacks to that of a loss of ``delta``."""
    images = of_difference(study, assumed, figure._replace(ratio=0.0)).images
    return max(0.0, delta * (1 - delta) / study.positives - images / (study.folds or 1))


def shown_strong(study: Study, assumed: Assumptions, fpr: float, delta: float) -> float:
    """Return how often the dense lift is shown above 2 ``delta``; its own networks alone tell their variance."""
    figure = expected_sensitivity(assumed.auc, fpr)
    return pooled(study, of_dense(study, assumed, figure), 2).power(figure.value - fpr - 2 * delta, 1 - LEVEL)


def _both(first: float, second: float, correlation: float) -> float:
    """Return the probability of two events with these chances, by a normal copula."""
    if min(first, second) <= 0:
        return 0.0
    rest = math.sqrt(1 - correlation**2)
    return float(first * np.mean(ndtr((ndtri(second) - correlation * ndtri(_MANY * first)) / rest)))


def strong_from(study: Study, assumed: Assumptions, fpr: float, delta: float) -> float | None:
    """Return the AUC from which a dense network is shown strong enough with power `POWER`; None: from none."""

    def lacking(auc: float) -> float:
        return shown_strong(study, replace(assumed, auc=auc), fpr, delta) - POWER

    weakest, best = 0.5, 0.9999
    return float(brentq(lacking, weakest, best)) if lacking(best) > 0 else None
