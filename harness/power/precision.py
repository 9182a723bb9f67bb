"""How exactly a study of some size would know a figure: its noise, and the errors that would be estimated for it."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaincinv, ndtr, stdtrit

from harness.evaluation.variances import Floats, overlap
from harness.power.binormal import Expected
from harness.power.study import Assumptions, Study

POWER = 0.8
"""What is found so often is told apart, or shown."""

LEVEL = 0.95

MIDDLES, _FEWER = ((np.arange(number) + 0.5) / number for number in (400, 40))
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
    return _precision(study, noise, _squares(freedom, MIDDLES) / freedom, np.full(MIDDLES.size, float(freedom)))


def larger(study: Study, noise: Noise, entries: int, lacking: float = 0.0) -> Precision:
    """Return the precision where of the pooled variance and the difference's own the larger counts, and ``lacking`` is
    added; three ``entries`` at least. The pooled one holds the own one.
    """
    freedom = _freedom(study)
    own, rest = _squares(freedom, _FEWER)[:, None], _squares((entries - 2) * freedom, _FEWER)[None]
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
