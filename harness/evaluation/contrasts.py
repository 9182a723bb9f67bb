"""Contrasts of means over networks and images, with the noise of both: one formula for AUCs, sensitivities and rates.

Two designs. *Seeds*: one test part, every network scored on the same images. *Folds*: several test parts, each with
networks of its own; their networks are averaged within a fold, and the folds are the sample.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import stdtr, stdtrit

from harness.evaluation.variances import (
    CERTAIN,
    OWN_FROM,
    Floats,
    additive_residuals,
    network_variance,
    overlap,
    quadratic,
    satterthwaite,
)

NO_VARIANCE = 1e-15
"""A variance up to this is rounding."""


@dataclass(frozen=True)
class Images:
    """One class of a test part: the share (M, J, n) that each image has in each figure of `Measured`."""

    shares: Floats

    @property
    def size(self) -> int:
        """Return the number of images."""
        return int(self.shares.shape[2])

    @cached_property
    def means(self) -> Floats:
        """Return each image's share, mean over the networks of an entry, (M, n)."""
        return np.asarray(self.shares.mean(axis=1))

    @cached_property
    def covariance(self) -> Floats:
        """Return the covariance over the images of the entries' means, (M, M); NaN, unknown, of fewer than two."""
        if self.size < 2:
            return np.full((len(self.shares),) * 2, np.nan)
        return np.cov(self.means).reshape(len(self.shares), -1)

    @cached_property
    def residual(self) -> Floats:
        """Return what of each image's share belongs to this image and network alone, as a covariance (M, M).

        w'Rw is the residual mean square of the table image x network of the contrast w, (n-1)(J-1) degrees of freedom.
        """
        entries, networks, images = self.shares.shape
        freedom = (networks - 1) * (images - 1)
        if not freedom:
            return np.zeros((entries, entries))
        left = additive_residuals(self.shares).reshape(entries, -1)
        return np.asarray(left @ left.T / freedom)


@dataclass(frozen=True)
class Measured:
    """One figure of M entries with J networks each on one test part: ``values`` (M, J), and the ``classes`` behind it.

    Networks of one j are paired: same seed, same split. The sampling error of a value is that of the mean of its
    images' shares, summed over the classes. ``given`` are the places of entries that are one network in every j, such
    as a dense network that was trained elsewhere.
    """

    values: Floats
    classes: tuple[Images, ...]
    given: tuple[int, ...] = ()

    def image_variance(self, factors: Floats) -> Floats:
        """Return the variance over the images of the contrasts (..., M) of the means over networks."""
        return np.asarray(np.sum([quadratic(one.covariance, factors) / one.size for one in self.classes], axis=0))


@dataclass(frozen=True)
class Contrast:
    """A weighted sum of entries' means, its variance (NaN where unknown) and Student's degrees of freedom.

    ``given_networks`` is the variance over the images alone, these networks being what they are.
    """

    value: float
    variance: float
    freedom: float
    given_networks: float

    @property
    def error(self) -> float:
        """Return the standard error, 0 where it is rounding alone, NaN where unknown."""
        return 0.0 if self.variance <= NO_VARIANCE else math.sqrt(self.variance)

    @property
    def of_these_networks(self) -> "Contrast":
        """Return the same for these networks on other images: no claim on the method."""
        return Contrast(self.value, self.given_networks, CERTAIN, self.given_networks)

    def upper(self, level: float = 0.95) -> float:
        """Return the one-sided upper bound, infinite where the variance is unknown."""
        return self.value + self._half(level)

    def lower(self, level: float = 0.95) -> float:
        """Return the one-sided lower bound, minus infinity where the variance is unknown."""
        return self.value - self._half(level)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the two-sided interval."""
        half = self._half((1 + level) / 2)
        return self.value - half, self.value + half

    @property
    def p_value(self) -> float:
        """Return the two-sided p-value of a contrast that is 0 in truth; 1 where the variance is unknown."""
        if not self.value or math.isnan(self.variance):
            return 1.0
        return float(2 * stdtr(self.freedom, -abs(self.value) / self.error)) if self.error else 0.0

    def _half(self, level: float) -> float:
        if math.isnan(self.variance):
            return math.inf
        return float(stdtrit(self.freedom, level)) * self.error if self.error else 0.0


def contrast(parts: Sequence[Measured], weights: Sequence[float] | Floats, own_from: float = OWN_FROM) -> Contrast:
    """Return the contrast of M entries by ``weights`` (M,); see `contrasts`."""
    return contrasts(parts, np.asarray(weights, dtype=np.float64)[None], own_from)[0]


def contrasts(parts: Sequence[Measured], weights: Floats, own_from: float = OWN_FROM) -> list[Contrast]:
    """Return the contrasts of M entries by each row of ``weights`` (Q, M), over one part (seeds) or several (folds).

    Weights that sum to 0 compare entries: the variance over networks is pooled over all M, the residual of the table
    entry x network, unless the contrast's own exceeds it ``own_from`` times. Other weights, such as 1 for one entry,
    take their own. Satterthwaite (1946) gives the degrees of freedom.
    """
    if any(part.values.shape[0] != weights.shape[1] for part in parts) or not parts:
        raise ValueError(f"{weights.shape[1]} weights for parts of {[len(part.values) for part in parts]} entries")
    found = _over_seeds(parts[0], weights, own_from) if len(parts) == 1 else _over_folds(parts, weights, own_from)
    return [Contrast(*map(float, row)) for row in zip(*found, strict=True)]


def _over_seeds(part: Measured, factors: Floats, own_from: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the contrasts over one test part: noise of the images, and of the networks as far as it is not theirs.

    Each image's own answer in each network is in the variance over images and in that over networks; it is taken off
    once. Below two networks the noise of training is unknown and left out.
    """
    networks = part.values.shape[1]
    of_images = [(quadratic(one.covariance, factors) / one.size, one.size - 1.0) for one in part.classes]
    images = np.sum([term for term, _ in of_images], axis=0)
    terms: list[tuple[Floats, Floats | float]] = [*of_images]
    if networks > 1:
        variance, freedom = network_variance(part.values, factors, own_from, part.given)
        terms.append((variance / networks, freedom))
        terms += [
            (-quadratic(one.residual, factors) / (one.size * networks), (one.size - 1.0) * (networks - 1))
            for one in part.classes
        ]
    total = np.sum([term for term, _ in terms], axis=0)
    floored = ~(total >= images)  # the estimate of what is in both was too large
    freedom = np.where(floored, satterthwaite(of_images), satterthwaite(terms))
    return _rounded((factors @ part.values).mean(axis=1)), np.where(floored, images, total), freedom, images


def _over_folds(parts: Sequence[Measured], factors: Floats, own_from: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the contrasts over folds, whose training images overlap.

    The variance over folds counts (1/K + 1/(K - 1)) times, the second term for n_test / n_train. Source: Nadeau and
    Bengio (2003), "Inference for the Generalization Error", section 3.
    """
    folds = len(parts)
    means = fold_means(parts)
    variance, freedom = network_variance(means, factors, own_from)
    images = np.sum([part.image_variance(factors) for part in parts], axis=0) / folds**2
    return _rounded((factors @ means).mean(axis=1)), variance * overlap(folds), freedom, images


def fold_means(parts: Sequence[Measured]) -> Floats:
    """Return the figures of M entries in K folds, (M, K), means over the networks of a fold."""
    return np.stack([part.values.mean(axis=1) for part in parts], axis=1)


def _rounded(values: Floats) -> Floats:
    """Return 0 for the rounding error of equal means, which must not count as a difference."""
    return np.where(np.abs(values) < 1e-12, 0.0, values)
