"""The difference of two entries' AUC on the same images and seeds, with its interval."""

import math

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from harness.statistics import delong

__all__ = ["paired_auc_difference"]


def paired_auc_difference(
    labels: npt.NDArray[np.generic],
    first: npt.NDArray[np.floating],
    second: npt.NDArray[np.floating],
    level: float = 0.95,
) -> tuple[float, float, float]:
    """Return mean AUC of ``second`` - that of ``first`` and its interval in [-1, 1]; scores (S, N), row = seed.

    The variance is DeLong's over the images plus, from two seeds on, that of the paired seed differences over S,
    with Student's t and the degrees of freedom of Satterthwaite (1946): as in `harness.statistics.compare_aucs`,
    whose p-value is below 1 - ``level`` exactly where 0 lies outside the interval. (-1, 1) where the variance is
    unknown. One seed leaves the training noise out.
    """
    if first.shape != second.shape or first.ndim != 2:
        raise ValueError(f"scores {first.shape} and {second.shape} are not paired by seed and image")
    seeds = len(first)
    aucs, covariance = delong(labels, np.concatenate([second, first]))
    contrast = np.repeat([1.0, -1.0], seeds) / seeds
    difference, sampling = float(contrast @ aucs), float(contrast @ covariance @ contrast)
    # The rounding error of equal AUCs must not count as a difference.
    difference = 0.0 if abs(difference) < 1e-12 else difference
    if math.isnan(sampling):
        return difference, -1.0, 1.0
    training = float(np.var(aucs[:seeds] - aucs[seeds:], ddof=1)) / seeds if seeds > 1 else 0.0
    variance = max(sampling, 0.0) + training
    if variance <= 1e-15:
        return difference, difference, difference
    freedom = variance**2 / training**2 * (seeds - 1) if training > 1e-12 * variance else 1e12
    half = float(stdtrit(freedom, (1 + level) / 2)) * math.sqrt(variance)
    return difference, max(-1.0, difference - half), min(1.0, difference + half)
