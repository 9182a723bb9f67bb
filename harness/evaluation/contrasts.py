"""Contrasts of means over networks and images, with the noise of both: one formula for AUCs, sensitivities and rates.

Two designs. *Seeds*: one test part, every network scored on the same images. *Folds*: several test parts, each with
networks of its own; their networks are averaged within a fold, and the folds are the sample.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

Floats = npt.NDArray[np.float64]

NO_VARIANCE = 1e-15
"""A variance up to this is rounding."""

CERTAIN = 1e12
"""Degrees of freedom of what is as good as known."""

OWN_FROM = 3.0
"""A contrast whose own variance over networks exceeds so many times the pooled one is judged by its own."""


@dataclass(frozen=True)
class Images:
    """One class of a test part: the share (M, J, n) that each image has in each figure of `Measured`."""

    shares: Floats

    @property
    def size(self) -> int:
        """Return the number of images."""
        return self.shares.shape[2]

    @cached_property
    def means(self) -> Floats:
        """Return each image's share, mean over the networks of an entry, (M, n)."""
        return self.shares.mean(axis=1)

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
    images' shares, summed over the classes.
    """

    values: Floats
    classes: tuple[Images, ...]

    def image_variance(self, weights: Floats) -> float:
        """Return the variance over the images of the contrast of the means over networks."""
        return max(0.0, float(sum(weights @ one.covariance @ weights / one.size for one in self.classes)))


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


def additive_residuals(tables: Floats) -> Floats:
    """Return what row and column means leave of each table, (..., R, C)."""
    rows, columns = tables.mean(axis=-1, keepdims=True), tables.mean(axis=-2, keepdims=True)
    return tables - rows - columns + tables.mean(axis=(-2, -1), keepdims=True)


def contrast(parts: Sequence[Measured], weights: Sequence[float]) -> Contrast:
    """Return the contrast of M entries by ``weights`` (M,), over one part (seeds) or several (folds).

    Weights that sum to 0 compare entries: the variance over networks is pooled over all M, the residual of the table
    entry x network, unless the contrast's own is far larger. Other weights, such as 1 for one entry, take their own.
    Satterthwaite (1946) gives the degrees of freedom.
    """
    factors = np.asarray(weights, dtype=np.float64)
    if any(part.values.shape[0] != factors.size for part in parts) or not parts:
        raise ValueError(f"{factors.size} weights for parts of {[len(part.values) for part in parts]} entries")
    return _over_seeds(parts[0], factors) if len(parts) == 1 else _over_folds(parts, factors)


def _over_seeds(part: Measured, factors: Floats) -> Contrast:
    """Return the contrast over one test part: noise of the images, and of the networks as far as it is not theirs.

    Each image's own answer in each network is in the variance over images and in that over networks; it is taken off
    once. Below two networks the noise of training is unknown and left out.
    """
    networks = part.values.shape[1]
    value, images = _rounded(float((factors @ part.values).mean())), part.image_variance(factors)
    terms = [(float(factors @ one.covariance @ factors) / one.size, one.size - 1.0) for one in part.classes]
    if networks > 1:
        variance, freedom = network_variance(part.values, factors)
        terms.append((variance / networks, freedom))
        for one in part.classes:
            both = float(factors @ one.residual @ factors) / (one.size * networks)
            terms.append((-both, (one.size - 1.0) * (networks - 1)))
    total = sum(term for term, _ in terms)
    if not total >= images:  # the estimate of what is in both was too large
        terms, total = terms[: len(part.classes)], images
    return Contrast(value, total, satterthwaite(terms), images)


def _over_folds(parts: Sequence[Measured], factors: Floats) -> Contrast:
    """Return the contrast over folds, whose training images overlap.

    The variance over folds counts (1/K + 1/(K - 1)) times, the second term for n_test / n_train. Source: Nadeau and
    Bengio (2003), "Inference for the Generalization Error", section 3.
    """
    folds = len(parts)
    means = np.stack([part.values.mean(axis=1) for part in parts], axis=1)
    variance, freedom = network_variance(means, factors)
    images = sum(part.image_variance(factors) for part in parts) / folds**2
    return Contrast(_rounded(float((factors @ means).mean())), variance * overlap(folds), freedom, images)


def overlap(folds: int) -> float:
    """Return by what the variance over folds is multiplied for that of their mean."""
    return 1 / folds + 1 / (folds - 1)


def network_variance(values: Floats, factors: Floats) -> tuple[float, float]:
    """Return the variance over networks of the contrast of one network each, and its degrees of freedom; (M, J)."""
    entries, networks = values.shape
    own = float(np.var(factors @ values, ddof=1))
    if abs(factors.sum()) > 1e-12 or entries < 2:
        return own, networks - 1.0
    pooled = pooled_variance(values) * float(factors @ factors)
    return (own, networks - 1.0) if own > OWN_FROM * pooled else (pooled, (entries - 1.0) * (networks - 1))


def pooled_variance(values: Floats) -> float:
    """Return the residual mean square of the table entry x network, (M, J), M and J at least 2."""
    entries, networks = values.shape
    return float(np.square(additive_residuals(values)).sum() / ((entries - 1) * (networks - 1)))


def satterthwaite(terms: Sequence[tuple[float, float]]) -> float:
    """Return the degrees of freedom of a sum of mean squares, each with its own. Source: Satterthwaite (1946)."""
    total, spread = sum(term for term, _ in terms), sum(term**2 / freedom for term, freedom in terms if freedom > 0)
    return total**2 / spread if spread > 0 else CERTAIN


def _rounded(value: float) -> float:
    """Return 0 for the rounding error of equal means, which must not count as a difference."""
    return 0.0 if abs(value) < 1e-12 else value
