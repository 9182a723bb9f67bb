"""Intervals and bounds for k of n images."""

import math

from scipy.special import betaincinv, ndtri


def clopper_pearson(k: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a proportion, 0 <= k <= n, n > 0, within [0, 1].

    ``k`` may be the mean count of several seeds: it is then the interval of one network with that many
    misses, conservative for the mean. Source: Clopper and Pearson (1934), by beta quantiles.
    """
    if not 0 <= k <= n or n <= 0:
        raise ValueError(f"{k} of {n} is no proportion")
    tail = (1 - level) / 2
    low = 0.0 if k == 0 else float(betaincinv(k, n - k + 1, tail))
    high = 1.0 if k == n else float(betaincinv(k + 1, n - k, 1 - tail))
    return low, high


def paired_upper_bound(
    missed_only_by_pruned: float, missed_only_by_dense: float, positives: float, level: float = 0.95
) -> float:
    """Return the one-sided upper bound, in [-1, 1], of FNR(pruned) - FNR(dense) on the same positives.

    The largest difference that a score test does not reject; counts may be means over seeds.
    Source: Tango (1998), Statistics in Medicine 17, 891-908.
    """
    b, c, n = missed_only_by_pruned, missed_only_by_dense, positives
    if min(b, c) < 0 or b + c > n + 1e-9 or n <= 0:
        raise ValueError(f"{b} and {c} discordant of {n} positives cannot be")
    z = float(ndtri(level))
    # Where the observed difference itself has no variance the score is 0/0, hence a step beside it.
    low, high = (b - c) / n + 1e-12, 1.0
    while high - low > 1e-12:
        middle = (low + high) / 2
        accepted = b - c - n * middle + z * math.sqrt(n * _restricted_variance(b, c, n, middle)) > 0
        low, high = (middle, high) if accepted else (low, middle)
    return min(high, 1.0)


def _restricted_variance(b: float, c: float, n: float, difference: float) -> float:
    """Return n times the variance of (b - c) / n at the likeliest proportions with this ``difference``."""
    linear = (2 * n - b + c) * difference - b - c
    root = math.sqrt(max(0.0, linear**2 + 8 * n * c * difference * (1 - difference)))
    only_dense = max(0.0, (root - linear) / (4 * n))
    return max(0.0, 2 * only_dense + difference * (1 - difference))
