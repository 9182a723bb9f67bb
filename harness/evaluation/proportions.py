"""Intervals for k of n images."""

from scipy.special import betaincinv


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
