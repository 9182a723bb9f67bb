"""The regression against Newton's method in plain float64, and AUC by counting pairs."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from harness.training import logistic_regression
from harness.training.logistic_regression import STRENGTHS, NotFitted, fit_regression


def drawn(images, seed, width=4):
    """Return features (N, C) of odd scales and offsets, of which two tell something, and labels."""
    draws = np.random.default_rng(seed)
    labels = (np.arange(images) % 3 == 0).astype(np.uint8)
    features = draws.normal(size=(images, width))
    features[:, :2] += 0.8 * labels[:, None]
    return (features * [1e-3, 1, 50, 1e3][:width] + [5, 0, -200, 1e4][:width]).astype(np.float32), labels


def by_newton(features, labels, strength):
    """Return (weights, bias) that minimise |v|^2 / 2 + C sum log(1 + exp(-y s)) over standardised features."""
    exact = features.astype(np.float64)
    mean, sd = exact.mean(0), exact.std(0)
    rows = np.c_[(exact - mean) / np.where(sd > 0, sd, 1), np.ones(len(exact))]
    penalty = np.diag([1.0] * (rows.shape[1] - 1) + [0.0])
    found = np.zeros(rows.shape[1])
    for _ in range(100):
        chance = 1 / (1 + np.exp(-rows @ found))
        gradient = penalty @ found + strength * rows.T @ (chance - labels)
        curvature = penalty + strength * (rows.T * (chance * (1 - chance))) @ rows
        found = found - np.linalg.solve(curvature, gradient)
    weights = found[:-1] / np.where(sd > 0, sd, 1)
    return weights, found[-1] - weights @ mean


def auc_by_counting(labels, scores):
    wins = [
        1.0 if scores[i] > scores[j] else 0.5 if scores[i] == scores[j] else 0.0
        for i in np.flatnonzero(labels == 1)
        for j in np.flatnonzero(labels == 0)
    ]
    return sum(wins) / len(wins)


@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_regression_of_the_strength_that_is_best_on_validation(seed):
    (features, labels), (validation, theirs) = drawn(60, seed), drawn(30, seed + 10)
    by_hand = {strength: by_newton(features, labels, strength) for strength in STRENGTHS}
    scores = {strength: validation.astype(np.float64) @ w + b for strength, (w, b) in by_hand.items()}
    aucs = {strength: auc_by_counting(theirs, one) for strength, one in scores.items()}
    best = min(strength for strength, auc in aucs.items() if auc == max(aucs.values()))
    found = fit_regression(features, labels, validation, theirs)
    assert found.strength == best
    assert found.validation_auc == pytest.approx(aucs[best], abs=1e-12)
    weights, bias = by_hand[best]
    np.testing.assert_allclose(validation @ found.weights + found.bias, validation @ weights + bias, atol=1e-3)
    np.testing.assert_allclose(found.weights, weights, rtol=1e-2, atol=1e-3 * np.abs(weights).max())


def test_of_equal_aucs_the_stronger_penalty_counts():
    """One feature ranks the same under every penalty."""
    features = np.arange(12, dtype=np.float32)[:, None]
    labels = np.array([0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 1], dtype=np.uint8)
    assert fit_regression(features, labels, features, labels).strength == STRENGTHS[0]


def test_features_that_never_move_count_for_nothing():
    """As of a channel whose rectifier is dead on the training images, and awake on others."""
    (features, labels), (validation, theirs) = drawn(60, 0), drawn(30, 1)
    alone = fit_regression(features, labels, validation, theirs)
    dead = np.c_[features, np.full((60, 1), 0.3, np.float32)]
    found = fit_regression(dead, labels, np.c_[validation, np.arange(30.0)], theirs)
    assert found.weights[-1] == 0
    assert (found.strength, found.validation_auc) == (alone.strength, alone.validation_auc)


def test_features_none_of_which_moves_give_chance():
    same, labels = np.ones((12, 3), np.float32), (np.arange(12) % 3 == 0).astype(np.uint8)
    assert fit_regression(same, labels, same, labels).validation_auc == 0.5


def test_classes_that_a_plane_parts_are_fitted():
    features = np.r_[np.linspace(-2, -1, 10), np.linspace(1, 2, 5)].astype(np.float32)[:, None]
    labels = np.repeat([0, 1], [10, 5]).astype(np.uint8)
    assert fit_regression(features, labels, features, labels).validation_auc == 1.0


@pytest.mark.parametrize("which", [0, 2])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_not_finite_are_refused(which, value):
    arguments = [*drawn(60, 0), *drawn(30, 1)]
    arguments[which][3, 1] = value
    with pytest.raises(NotFitted, match="not finite"):
        fit_regression(*arguments)


class Stopping(LogisticRegression):
    """Does not converge under weak penalties, as scikit-learn says it."""

    def fit(self, *arguments):
        if self.C > 1e-5:
            warnings.warn("lbfgs failed to converge", ConvergenceWarning, stacklevel=2)
        return super().fit(*arguments)


def test_a_strength_that_does_not_converge_is_left_out(monkeypatch):
    monkeypatch.setattr(logistic_regression, "LogisticRegression", Stopping)
    assert fit_regression(*drawn(60, 0), *drawn(30, 11)).strength in STRENGTHS[:2]


def test_where_none_converges_that_is_said(monkeypatch):
    monkeypatch.setattr(logistic_regression, "ITERATIONS", 0)
    with pytest.raises(NotFitted, match="converged in 0 steps"):
        fit_regression(*drawn(60, 0), *drawn(30, 1))
