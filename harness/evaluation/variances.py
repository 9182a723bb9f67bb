"""Mean squares: of images, of networks and of what belongs to both, for contrasts of entries."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

CERTAIN = 1e12
"""Degrees of freedom of what is as good as known."""

OWN_FROM = 3.0
"""A contrast whose own variance over networks exceeds so many times the pooled one is judged by its own."""

LARGER = 1.0
"""The same for a claim of harmlessness: the larger of the two counts. An unstable network among steady ones would
otherwise borrow their steadiness."""


def additive_residuals(tables: Floats) -> Floats:
    """Return what row and column means leave of each table, (..., R, C)."""
    rows, columns = tables.mean(axis=-1, keepdims=True), tables.mean(axis=-2, keepdims=True)
    return np.asarray(tables - rows - columns + tables.mean(axis=(-2, -1), keepdims=True))


def quadratic(covariance: Floats, factors: Floats) -> Floats:
    """Return w'Cw for each row w of ``factors`` (..., M); NaN where an entry of C that w weighs is unknown."""
    unknown = np.isnan(covariance.diagonal())
    found = np.einsum("...i,...i->...", factors @ np.where(np.isnan(covariance), 0.0, covariance), factors)
    return np.where((factors[..., unknown] != 0).any(axis=-1), np.nan, np.maximum(found, 0.0))  # not -1e-20


def overlap(folds: int) -> float:
    """Return by what the variance over folds is multiplied for that of their mean."""
    return 1 / folds + 1 / (folds - 1)


def network_variance(
    values: Floats, factors: Floats, own_from: float, given: Sequence[int] = ()
) -> tuple[Floats, Floats]:
    """Return the variance over networks of the contrasts of one network each, and its degrees of freedom; (M, J).

    ``given`` are the entries that are one and the same network in every column: they have no part in what the others
    share by column, so that they are left out of the pooled variance, and contrasts with them are judged by their own.
    """
    networks = values.shape[1]
    own = np.var(factors @ values, axis=-1, ddof=1)
    drawn = np.delete(values, given, axis=0)
    if len(drawn) < 2:
        return own, np.full_like(own, networks - 1.0)
    pooled = pooled_variance(drawn) * np.square(factors).sum(axis=-1)
    by_own = (np.abs(factors.sum(axis=-1)) > 1e-12) | (own > own_from * pooled)
    by_own |= (factors[..., [*given]] != 0).any(axis=-1)
    freedom = np.where(by_own, networks - 1.0, (len(drawn) - 1.0) * (networks - 1))
    return np.where(by_own, own, pooled), freedom


def pooled_variance(values: Floats) -> float:
    """Return the residual mean square of the table entry x network, (M, J), M and J at least 2."""
    entries, networks = values.shape
    return float(np.square(additive_residuals(values)).sum() / ((entries - 1) * (networks - 1)))


def satterthwaite(terms: Sequence[tuple[Floats, Floats | float]]) -> Floats:
    """Return the degrees of freedom of sums of mean squares, each with its own. Source: Satterthwaite (1946)."""
    total = np.sum([term for term, _ in terms], axis=0)
    spread = np.sum([np.square(term) / np.where(freedom, freedom, np.inf) for term, freedom in terms], axis=0)
    return np.where(spread > 0, np.square(total) / np.where(spread > 0, spread, 1.0), CERTAIN)
