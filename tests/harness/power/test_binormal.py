"""The binormal model's variances, against many draws and against DeLong's."""

import math

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import multivariate_normal

from harness.evaluation.auc import delong
from harness.power.binormal import expected_auc, expected_sensitivity, joint_excess


def pairs(correlation, auc, positives, negatives, draws, seed=0):
    """Return scores (draw, network, image) of two networks with the same true AUC."""
    generator = np.random.default_rng(seed)
    shared, own = (generator.normal(size=(draws, networks, positives + negatives)) for networks in (1, 2))
    noise = math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * own
    return noise + math.sqrt(2) * ndtri(auc) * np.repeat([1, 0], [positives, negatives])


@pytest.mark.parametrize(("cut", "correlation"), [(0.84, 0.6), (-0.52, 0.3), (1.5, 0.0), (0.2, 0.99)])
def test_the_joint_probability_is_that_of_two_normals(cut, correlation):
    both = multivariate_normal.cdf([cut, cut], cov=[[1, correlation], [correlation, 1]])
    below = multivariate_normal.cdf(cut)
    assert joint_excess(cut, correlation) == pytest.approx(both - below**2, abs=1e-6)


def test_of_the_same_network_it_is_the_binomial_variance():
    figure = expected_sensitivity(0.8, 0.3)
    assert joint_excess(figure.positive_cut, 1.0) == pytest.approx(figure.value * (1 - figure.value))
    assert joint_excess(figure.negative_cut, 1.0) == pytest.approx(0.3 * 0.7)


@pytest.mark.parametrize("auc", [0.6, 0.8, 0.9])
def test_the_variances_of_auc_are_what_delong_estimates_on_average(auc):
    labels, figure = np.repeat([1, 0], [200, 600]), expected_auc(auc)
    found = np.mean([delong(labels, scores)[1] for scores in pairs(0.6, auc, 200, 600, 200)], axis=0)
    assert found[0, 0] == pytest.approx(figure.covariance(1.0, 200, 600), rel=0.05)
    assert found[0, 1] == pytest.approx(figure.covariance(0.6, 200, 600), rel=0.05)


@pytest.mark.parametrize("fpr", [0.1, 0.3])
def test_the_variances_of_sensitivity_hold_its_estimated_cut(fpr):
    figure = expected_sensitivity(0.8, fpr)
    scores = pairs(0.6, 0.8, 200, 400, 4000)
    negatives = -np.sort(-scores[:, :, 200:], axis=2)
    alarms = round(400 * fpr)
    cut = negatives[:, :, alarms - 1 : alarms + 1].mean(axis=2, keepdims=True)
    found = (scores[:, :, :200] > cut).mean(axis=2)
    assert found.mean() == pytest.approx(figure.value, abs=0.003)
    covariance = np.cov(found.T)
    assert covariance[0, 0] == pytest.approx(figure.covariance(1.0, 200, 400), rel=0.07)
    assert covariance[0, 1] == pytest.approx(figure.covariance(0.6, 200, 400), rel=0.1)


def test_the_slope_is_the_derivative_by_the_auc():
    step = 1e-5
    above, below = (expected_sensitivity(0.8 + side * step, 0.3).value for side in (1, -1))
    assert expected_sensitivity(0.8, 0.3).slope == pytest.approx((above - below) / (2 * step), rel=1e-6)
    assert expected_sensitivity(0.8, 0.3).slope == pytest.approx(1.6, abs=0.05)
