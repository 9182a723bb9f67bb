import math
import warnings

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from harness.errors import DataError
from harness.evaluation.calibration import calibration


def drawn(slope, intercept, images=400, seed=0):
    generator = np.random.default_rng(seed)
    scores = generator.normal(size=images)
    return (generator.random(images) < expit(intercept + slope * scores)).astype(int), scores


def log_likelihood(labels, scores, intercept, slope):
    total = 0.0
    for label, score in zip(labels, scores, strict=True):
        odds = intercept + slope * score
        total -= math.log1p(math.exp(-odds if label else odds))
    return total


@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (0.2, -1.5), (-0.7, 0.4), (3, -2)])
def test_the_fit_is_that_of_scikit_learn(slope, intercept):
    labels, scores = drawn(slope, intercept)
    found = calibration(labels, scores)
    other = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(scores[:, None], labels)
    assert found.slope.value == pytest.approx(float(other.coef_[0, 0]), abs=1e-5)
    assert found.intercept.value == pytest.approx(float(other.intercept_[0]), abs=1e-5)


def test_the_interval_is_that_of_the_curvature():
    """The information, by finite differences of the likelihood written out."""
    labels, scores = drawn(1.2, -0.5, images=150)
    found = calibration(labels, scores)
    at, step = np.array([found.intercept.value, found.slope.value]), 1e-3
    information = np.empty((2, 2))
    for i, j in np.ndindex(2, 2):
        total = 0.0
        for first in (1, -1):
            for second in (1, -1):
                moved = at + step * (first * np.eye(2)[i] + second * np.eye(2)[j])
                total += first * second * log_likelihood(labels, scores, *moved)
        information[i, j] = -total / (4 * step**2)
    errors = np.sqrt(np.diag(np.linalg.inv(information)))
    for one, error in zip((found.intercept, found.slope), errors, strict=True):
        assert one.high - one.value == pytest.approx(1.959964 * error, rel=1e-4)
        assert one.value - one.low == pytest.approx(1.959964 * error, rel=1e-4)


def test_the_intervals_hold_the_truth_as_often_as_they_say():
    draws = [calibration(*drawn(0.8, -1.0, images=300, seed=seed)) for seed in range(400)]
    for truth, told in ((0.8, [one.slope for one in draws]), (-1.0, [one.intercept for one in draws])):
        assert np.mean([one.low < truth < one.high for one in told]) == pytest.approx(0.95, abs=0.035)


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1.0, 1e6, 1e30])
@pytest.mark.parametrize("shift", [0.0, 5.0])
def test_another_unit_and_origin_of_the_score_change_the_fit_by_that_alone(scale, shift):
    labels, scores = drawn(1.0, 0.3)
    usual, other = calibration(labels, scores), calibration(labels, scale * (scores + shift))
    assert other.slope.value * scale == pytest.approx(usual.slope.value, rel=1e-7)
    assert other.intercept.value == pytest.approx(usual.intercept.value - shift * usual.slope.value, abs=1e-6)


@pytest.mark.parametrize(
    ("labels", "scores"),
    [
        ([0, 0, 1, 1], [0.0, 1.0, 2.0, 3.0]),
        ([1, 1, 0, 0], [0.0, 1.0, 2.0, 3.0]),
        ([0, 0, 1, 1], [0.0, 1.0, 1.0, 3.0]),  # but for a tie
        ([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5]),
        ([0, 1], [2.0, 2.0]),
        ([0, 1], [-1e300, 1e300]),
    ],
)
def test_where_no_fit_is_the_likeliest_it_is_unknown_without_a_warning(labels, scores):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = calibration(np.array(labels), np.array(scores))
    assert all(math.isnan(value) for one in found for value in one)


def test_one_score_among_the_others_is_enough():
    labels, scores = np.r_[np.zeros(50, int), np.ones(50, int)], np.r_[np.arange(50.0), np.arange(48.5, 98.0)]
    found = calibration(labels, scores)
    assert found.slope.low < 0 < found.slope.value < found.slope.high  # Wald: too little is known to exclude 0
    at = log_likelihood(labels, scores, found.intercept.value, found.slope.value)
    for moved in (0.99, 1.01):
        assert log_likelihood(labels, scores, found.intercept.value, moved * found.slope.value) < at


def test_an_absent_class_is_refused():
    with pytest.raises(DataError, match="positive"):
        calibration(np.zeros(4, dtype=int), np.arange(4.0))
