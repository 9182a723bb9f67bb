"""AUC-ROC with its sampling error over the images."""

import math

import numpy as np
from scipy.special import expit, logit, stdtrit

from harness.evaluation.contrasts import Images, Measured
from harness.evaluation.metrics import ImageScores, Labels
from harness.evaluation.variances import CERTAIN, Floats


def delong(labels: Labels, scores: ImageScores) -> tuple[Floats, Floats]:
    """Return the AUCs (K,) of K networks on the same images and their covariance (K, K); scores (K, N).

    Ties count one half. The covariance is NaN, unknown, where a class has fewer than two images. Raises `ValueError`
    for scores of another shape, a class without an image, and a score that is no number.
    Source: DeLong et al. (1988), by the midranks of Sun and Xu (2014).
    """
    above, below = _placements(labels, np.atleast_2d(np.asarray(scores, dtype=np.float64)))
    return above.mean(axis=1), _covariance(above) / above.shape[1] + _covariance(below) / below.shape[1]


def aucs(labels: Labels, scores: Floats) -> Measured:
    """Return the AUCs of M entries with J networks each on the same images, scores (M, J, n). Raises as `delong`."""
    above, below = _placements(labels, scores.reshape(-1, scores.shape[2]))
    shares = [one.reshape(*scores.shape[:2], -1) for one in (above, below)]
    return Measured(shares[0].mean(axis=2), (Images(shares[0]), Images(shares[1])))


def _placements(labels: Labels, values: Floats) -> tuple[Floats, Floats]:
    """Return of each positive the share of the negatives below it, of each negative that of the positives above."""
    positive = np.asarray(labels) == 1
    p, n = int(positive.sum()), int((~positive).sum())
    if values.shape[1] != positive.size or p == 0 or n == 0:
        raise ValueError(f"scores {values.shape}, {p} positives, {n} negatives: no AUC")
    if np.isnan(values).any():
        raise ValueError("a score is not a number: no AUC")
    ranks = _midranks(values)
    above = (ranks[:, positive] - _midranks(values[:, positive])) / n
    return above, 1 - (ranks[:, ~positive] - _midranks(values[:, ~positive])) / p


def _midranks(values: Floats) -> Floats:
    """Return each value's rank in its row, (K, N), from 1; equal values share their mean rank."""
    order, size = np.argsort(values, axis=1), values.shape[1]
    rises = np.diff(np.take_along_axis(values, order, axis=1), axis=1) > 0
    first, last = np.zeros(values.shape), np.full(values.shape, size - 1.0)
    first[:, 1:] = np.where(rises, np.arange(1.0, size), 0.0)
    last[:, :-1] = np.where(rises, np.arange(size - 1.0), size)
    ends = np.maximum.accumulate(first, axis=1) + np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]
    ranks = np.empty_like(values)
    np.put_along_axis(ranks, order, 1 + ends / 2, axis=1)
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


def auc_interval(
    auc: float, variance: float, disjoint_pairs: int = 0, level: float = 0.95, freedom: float = CERTAIN
) -> tuple[float, float]:
    """Return the interval of an AUC in [0, 1], Student's on the logit scale, so that it never leaves [0, 1].

    At AUC 0 or 1 the variance says nothing. Then the bound is that of m ``disjoint_pairs`` of a positive and
    a negative, independent and all in one order: AUC^m >= (1 - level) / 2. With no pairs, or an unknown
    (NaN) variance, the interval is (0, 1). Source of the logit scale: Pepe (2003), chapter 5.
    """
    if math.isnan(auc) or math.isnan(variance):
        return 0.0, 1.0
    if auc <= 0 or auc >= 1:
        reach = ((1 - level) / 2) ** (1 / disjoint_pairs) if disjoint_pairs else 0.0
        return (0.0, 1 - reach) if auc <= 0 else (reach, 1.0)
    half = float(stdtrit(freedom, (1 + level) / 2)) * math.sqrt(max(variance, 0.0)) / (auc * (1 - auc))
    return float(expit(logit(auc) - half)), float(expit(logit(auc) + half))
