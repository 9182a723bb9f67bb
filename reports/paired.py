"""Contrasts of the mean AUCs of several entries on the same images and seeds, with their intervals."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from harness.evaluation.proportions import delong

__all__ = ["paired_auc_contrast", "paired_auc_difference"]

Scores = npt.NDArray[np.floating]


def paired_auc_contrast(
    labels: npt.NDArray[np.generic], entries: Sequence[Scores], weights: Sequence[float], level: float = 0.95
) -> tuple[float, float, float]:
    """Return the sum of weight times mean AUC over ``entries`` and its interval; scores (S, N) each, row = seed.

    The ``weights``, one per entry, sum to 0: (-1, 1) is a difference, (1, -1, -1, 1) an interaction. The interval
    lies within what AUCs in [0, 1] allow. Its variance is w'Cw with DeLong's covariance C (1988) of all AUCs over the
    images plus, from two seeds on, the variance over the seeds of each seed's own contrast over S, with Student's t
    and the degrees of freedom of Satterthwaite (1946): for a difference as in `harness.evaluation.proportions.compare_aucs`,
    whose p-value is below 1 - ``level`` exactly where 0 lies outside the interval. The whole allowed range where the
    variance is unknown. One seed leaves the training noise out. Raises `ValueError` for scores that are not paired.
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
