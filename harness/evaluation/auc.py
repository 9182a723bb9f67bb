"""AUC-ROC with its sampling error, and comparisons of networks on the same images."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit, ndtri, stdtr, stdtrit

from harness.evaluation.metrics import ImageScores, Labels

Floats = npt.NDArray[np.float64]

NO_VARIANCE = 1e-15
"""A variance up to this is rounding."""


def delong(labels: Labels, scores: ImageScores) -> tuple[Floats, Floats]:
    """Return the AUCs (K,) of K networks on the same images and their covariance (K, K); scores (K, N).

    Ties count one half. The covariance is NaN, unknown, where a class has fewer than two images. Raises `ValueError`
    for scores of another shape, a class without an image, and a score that is no number.
    Source: DeLong et al. (1988), by the midranks of Sun and Xu (2014).
    """
    positive = np.asarray(labels) == 1
    values = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    p, n = int(positive.sum()), int((~positive).sum())
    if values.shape[1] != positive.size or p == 0 or n == 0:
        raise ValueError(f"scores {values.shape}, {p} positives, {n} negatives: no AUC")
    if np.isnan(values).any():
        raise ValueError("a score is not a number: no AUC")
    ranks = _midranks(values)
    # Of each positive the share of the negatives below it, of each negative the share of the positives above.
    above = (ranks[:, positive] - _midranks(values[:, positive])) / n
    below = 1 - (ranks[:, ~positive] - _midranks(values[:, ~positive])) / p
    return above.mean(axis=1), _covariance(above) / p + _covariance(below) / n


def _midranks(values: Floats) -> Floats:
    """Return each value's rank in its row, (K, N), from 1; equal values share their mean rank."""
    ranks = np.empty_like(values)
    for row, out in zip(values, ranks, strict=True):
        _, inverse, counts = np.unique(row, return_inverse=True, return_counts=True)
        out[:] = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return ranks


def _covariance(values: Floats) -> Floats:
    networks, images = values.shape
    if images < 2:
        return np.full((networks, networks), np.nan)
    return np.cov(values).reshape(networks, networks)


def mean_auc(labels: Labels, scores: ImageScores) -> tuple[float, float]:
    """Return the mean AUC of S seeds' networks, scores (S, N), and its variance over the images alone."""
    aucs, covariance = delong(labels, scores)
    return float(aucs.mean()), float(covariance.mean())


def auc_interval(auc: float, variance: float, disjoint_pairs: int = 0, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of an AUC in [0, 1], normal on the logit scale, so that it never leaves [0, 1].

    At AUC 0 or 1 the variance says nothing. Then the bound is that of m ``disjoint_pairs`` of a positive and
    a negative, independent and all in one order: AUC^m >= (1 - level) / 2. With no pairs, or an unknown
    (NaN) variance, the interval is (0, 1). Source of the logit scale: Pepe (2003), chapter 5.
    """
    if math.isnan(auc) or math.isnan(variance):
        return 0.0, 1.0
    if auc <= 0 or auc >= 1:
        reach = ((1 - level) / 2) ** (1 / disjoint_pairs) if disjoint_pairs else 0.0
        return (0.0, 1 - reach) if auc <= 0 else (reach, 1.0)
    half = float(ndtri((1 + level) / 2)) * math.sqrt(max(variance, 0.0)) / (auc * (1 - auc))
    return float(expit(logit(auc) - half)), float(expit(logit(auc) + half))


class AucContrast(NamedTuple):
    """A weighted sum of mean AUCs, and its interval."""

    value: float
    low: float
    high: float


def compare_aucs(labels: Labels, first: ImageScores, second: ImageScores) -> float:
    """Return the two-sided p-value of equal mean AUCs of two entries; scores (S, N) each, row = seed.

    Both saw the same images. The test is that of `paired_auc_contrast`; 1 where the variance is unknown.
    """
    found = _contrast(labels, (np.atleast_2d(first), np.atleast_2d(second)), np.array([-1.0, 1.0]))
    if not found.value or math.isnan(found.variance):
        return 1.0
    if found.variance <= NO_VARIANCE:
        return 0.0
    return float(2 * stdtr(found.freedom, -abs(found.value) / math.sqrt(found.variance)))


def paired_auc_difference(labels: Labels, first: ImageScores, second: ImageScores, level: float = 0.95) -> AucContrast:
    """Return mean AUC of ``second`` - that of ``first`` and its interval in [-1, 1], as `paired_auc_contrast`."""
    return paired_auc_contrast(labels, (first, second), (-1.0, 1.0), level)


def paired_auc_contrast(
    labels: Labels, entries: Sequence[ImageScores], weights: Sequence[float], level: float = 0.95
) -> AucContrast:
    """Return the sum of weight times mean AUC over ``entries`` and its interval; scores (S, N) each, row = seed.

    The ``weights``, one per entry, sum to 0: (-1, 1) is a difference, (1, -1, -1, 1) an interaction. The interval
    lies within what AUCs in [0, 1] allow, and is all of that where the variance is unknown. 0 lies outside that of a
    difference exactly where the p-value of `compare_aucs` is below 1 - ``level``. Raises `ValueError` for scores that
    are not paired.
    """
    factors = np.asarray(weights, dtype=np.float64)
    if factors.shape != (len(entries),) or abs(factors.sum()) > 1e-12:
        raise ValueError(f"{list(weights)} is no contrast of {len(entries)} entries")
    found = _contrast(labels, entries, factors)
    least, most = float(factors[factors < 0].sum()), float(factors[factors > 0].sum())
    if math.isnan(found.variance):
        return AucContrast(found.value, least, most)
    half = 0.0
    if found.variance > NO_VARIANCE:
        half = float(stdtrit(found.freedom, (1 + level) / 2)) * math.sqrt(found.variance)
    return AucContrast(found.value, max(least, found.value - half), min(most, found.value + half))


@dataclass(frozen=True)
class _Contrast:
    """A weighted sum of mean AUCs, its variance (NaN where unknown), and the degrees of freedom of its Student's t."""

    value: float
    variance: float
    freedom: float


def _contrast(labels: Labels, entries: Sequence[ImageScores], factors: Floats) -> _Contrast:
    """Return the contrast of entries (S, N) by ``factors``, one per entry.

    The variance is w'Cw with DeLong's covariance C (1988) of all AUCs over the images plus, from two seeds on, the
    variance over the seeds of each seed's own contrast over S. Few seeds know their spread badly, hence Student's t
    with the degrees of freedom of Satterthwaite (1946). One seed leaves the training noise out.
    """
    shapes = [scores.shape for scores in entries]
    if len(set(shapes)) != 1 or len(shapes[0]) != 2:
        raise ValueError(f"scores {' and '.join(map(str, shapes))} are not paired by seed and image")
    seeds = len(entries[0])
    aucs, covariance = delong(labels, np.concatenate(entries))
    weights = np.repeat(factors, seeds) / seeds
    value, sampling = float(weights @ aucs), max(float(weights @ covariance @ weights), 0.0)
    each = factors @ aucs.reshape(len(entries), seeds)
    training = float(np.var(each, ddof=1)) / seeds if seeds > 1 else 0.0
    variance = sampling + training
    freedom = variance**2 / training**2 * (seeds - 1) if training > 1e-12 * variance else 1e12
    # The rounding error of equal AUCs must not count as a difference.
    return _Contrast(0.0 if abs(value) < 1e-12 else value, variance, freedom)
