"""A logistic regression on fixed features, the strength of its penalty chosen on validation."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

Features = npt.NDArray[np.floating]
Labels = npt.NDArray[np.uint8]

STRENGTHS = tuple(10.0**power for power in range(-6, 3))
"""What the summed log-loss is weighed by against half the squared coefficients (scikit-learn's C), smallest first."""

TOLERANCE = 1e-6
ITERATIONS = 1000


class NotFitted(Exception):  # noqa: N818
    """There is no regression: features that are not finite, or none that converges. The text says which."""


@dataclass(frozen=True)
class Regression:
    """log(P(1) / P(0)) = ``weights`` (C,) times the features as they are + ``bias``; chosen by ``validation_auc``."""

    weights: npt.NDArray[np.float64]
    bias: float
    strength: float
    validation_auc: float


def fit_regression(features: Features, labels: Labels, validation: Features, validation_labels: Labels) -> Regression:
    """Return the regression of ``labels`` (N,) on ``features`` (N, C) that has the best AUC on ``validation`` (M, C).

    Features are standardised by their mean and sd over N; of equal AUCs the stronger penalty counts.

    The intercept is free. Raises `NotFitted`. Source: le Cessie & van Houwelingen 1992, Ridge Estimators in Logistic
    Regression.
    """
    if not (np.isfinite(features).all() and np.isfinite(validation).all()):
        raise NotFitted("the features of the start weights are not finite")
    best: Regression | None = None
    for one in _regressions(features.astype(np.float64), labels, validation.astype(np.float64), validation_labels):
        if best is None or one.validation_auc > best.validation_auc:
            best = one
    if best is None:
        raise NotFitted(f"no logistic regression on the features of the start weights converged in {ITERATIONS} steps")
    return best


def _regressions(
    features: npt.NDArray[np.float64],
    labels: Labels,
    validation: npt.NDArray[np.float64],
    validation_labels: Labels,
) -> Iterator[Regression]:
    """Yield the regressions that converge, each begun where the stronger penalty before it ended."""
    scaler = StandardScaler().fit(features)
    standard = scaler.transform(features)
    model = LogisticRegression(tol=TOLERANCE, max_iter=ITERATIONS, warm_start=True)
    for strength in STRENGTHS:
        model.set_params(C=strength)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", ConvergenceWarning)
            model.fit(standard, labels)
        if any(issubclass(one.category, ConvergenceWarning) for one in said):
            continue
        weights = model.coef_[0] / scaler.scale_
        bias = float(model.intercept_[0] - weights @ scaler.mean_)
        auc = float(roc_auc_score(validation_labels, validation @ weights + bias))
        yield Regression(weights, bias, strength, auc)
