"""AUC-ROC with its sampling error, and comparisons of networks on the same images."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit, ndtri, stdtr, stdtrit

Floats = npt.NDArray[np.float64]


def delong(labels: npt.NDArray[np.generic], scores: npt.NDArray[np.floating]) -> tuple[Floats, Floats]:
    """Return the AUCs (K,) of K networks on the same images and their covariance (K, K); scores (K, N).

    Ties count one half. The covariance is NaN, unknown, where a class has fewer than two images.
    Source: DeLong et al. (1988), by the midranks of Sun and Xu (2014).
    """
    positive = np.asarray(labels) == 1
    values = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    p, n = int(positive.sum()), int((~positive).sum())
    if values.shape[1] != positive.size or p == 0 or n == 0:
        raise ValueError(f"scores {values.shape}, {p} positives, {n} negatives: no AUC")
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


def mean_auc(labels: npt.NDArray[np.generic], scores: npt.NDArray[np.floating]) -> tuple[float, float]:
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


def compare_aucs(labels: npt.NDArray[np.generic], a: npt.NDArray[np.floating], b: npt.NDArray[np.floating]) -> float:
    """Return the two-sided p-value of equal mean AUCs of two entries; scores (S, N) each, row = seed.

    Both saw the same images. The variance of the difference is DeLong's over the images plus, from two seeds
    on, that of the paired seed differences over S. Few seeds know their spread badly, hence Student's t with
    the degrees of freedom of Satterthwaite (1946). 1 where the variance is unknown. One seed leaves the
    training noise out.
    """
    first, second = np.atleast_2d(a), np.atleast_2d(b)
    if first.shape != second.shape:
        raise ValueError(f"scores {first.shape} and {second.shape} are not paired by seed and image")
    seeds = len(first)
    aucs, covariance = delong(labels, np.concatenate([first, second]))
    contrast = np.repeat([1.0, -1.0], seeds) / seeds
    difference, sampling = float(contrast @ aucs), float(contrast @ covariance @ contrast)
    training = float(np.var(aucs[:seeds] - aucs[seeds:], ddof=1)) / seeds if seeds > 1 else 0.0
    variance = sampling + training
    if abs(difference) < 1e-12 or math.isnan(variance):
        return 1.0
    if variance <= 1e-15:
        return 0.0
    freedom = variance**2 / training**2 * (seeds - 1) if training > 1e-12 * variance else 1e12
    return float(2 * stdtr(freedom, -abs(difference) / math.sqrt(variance)))


Scores = npt.NDArray[np.floating]


def paired_auc_contrast(
    labels: npt.NDArray[np.generic], entries: Sequence[Scores], weights: Sequence[float], level: float = 0.95
) -> tuple[float, float, float]:
    """Return the sum of weight times mean AUC over ``entries`` and its interval; scores (S, N) each, row = seed.

    The ``weights``, one per entry, sum to 0: (-1, 1) is a difference, (1, -1, -1, 1) an interaction. The interval
    lies within what AUCs in [0, 1] allow. Its variance is w'Cw with DeLong's covariance C (1988) of all AUCs over the
    images plus, from two seeds on, the variance over the seeds of each seed's own contrast over S, with Student's t
    and the degrees of freedom of Satterthwaite (1946): for a difference as in `compare_aucs`, whose
    p-value is below 1 - ``level`` exactly where 0 lies outside the interval. The whole allowed range where the variance
    is unknown. One seed leaves the training noise out. Raises `ValueError` for scores that are not paired.
    """
    shapes = [scores.shape for scores in entries]
    if len(set(shapes)) != 1 or len(shapes[0]) != 2:
        raise ValueError(f"scores {' and '.join(map(str, shapes))} are not paired by seed and image")
    factors = np.asarray(weights, dtype=np.float64)
    if factors.shape != (len(entries),) or abs(factors.sum()) > 1e-12:
        raise ValueError(f"{list(weights)} is no contrast of {len(entries)} entries")
    seeds = len(entries[0])
    aucs, covariance = delong(labels, np.concatenate(entries))
    contrast = np.repeat(factors, seeds) / seeds
    least, most = float(factors[factors < 0].sum()), float(factors[factors > 0].sum())
    value, sampling = float(contrast @ aucs), float(contrast @ covariance @ contrast)
    # The rounding error of equal AUCs must not count as a difference.
    value = 0.0 if abs(value) < 1e-12 else value
    if math.isnan(sampling):
        return value, least, most
    each = factors @ aucs.reshape(len(entries), seeds)
    training = float(np.var(each, ddof=1)) / seeds if seeds > 1 else 0.0
    half = _half_width(max(sampling, 0.0), training, seeds, level)
    return value, max(least, value - half), min(most, value + half)


def _half_width(sampling: float, training: float, seeds: int, level: float) -> float:
    variance = sampling + training
    if variance <= 1e-15:
        return 0.0
    freedom = variance**2 / training**2 * (seeds - 1) if training > 1e-12 * variance else 1e12
    return float(stdtrit(freedom, (1 + level) / 2)) * math.sqrt(variance)


def paired_auc_difference(
    labels: npt.NDArray[np.generic], first: Scores, second: Scores, level: float = 0.95
) -> tuple[float, float, float]:
    """Return mean AUC of ``second`` - that of ``first`` and its interval in [-1, 1], as `paired_auc_contrast`."""
    return paired_auc_contrast(labels, (first, second), (-1.0, 1.0), level)
