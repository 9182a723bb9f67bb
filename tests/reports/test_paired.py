"""The paired difference against DeLong's variance written out pair by pair."""

import numpy as np
import pytest
from scipy import stats

from harness.reports.paired import paired_auc_difference
from harness.statistics import compare_aucs


def wins(labels, scores):
    """Return for each (positive, negative) whether the positive has the higher score, one half where equal."""
    positives, negatives = scores[labels == 1], scores[labels == 0]
    return np.array([[float(p > n) + 0.5 * float(p == n) for n in negatives] for p in positives])


def by_hand(labels, first, second):
    """The difference of the mean kernels is one kernel; its variance has a part per class."""
    kernel = np.mean([wins(labels, b) - wins(labels, a) for a, b in zip(first, second, strict=True)], axis=0)
    positives, negatives = kernel.shape
    sampling = np.var(kernel.mean(axis=1), ddof=1) / positives + np.var(kernel.mean(axis=0), ddof=1) / negatives
    each = [wins(labels, b).mean() - wins(labels, a).mean() for a, b in zip(first, second, strict=True)]
    seeds = len(each)
    if seeds == 1:
        half = 1.959963984540054 * np.sqrt(sampling)
    else:
        training = np.var(each, ddof=1) / seeds
        freedom = (sampling + training) ** 2 / (training**2 / (seeds - 1))
        half = stats.t.ppf(0.975, freedom) * np.sqrt(sampling + training)
    return np.mean(each), np.mean(each) - half, np.mean(each) + half


def sample(seeds, number, rounded=False):
    generator = np.random.default_rng(number)
    labels = np.r_[np.ones(17, dtype=int), np.zeros(29, dtype=int)]
    shared = generator.normal(size=46)
    first, second = (
        shared + generator.normal(size=(seeds, 46)) + strength * labels for strength in generator.uniform(0, 2, size=2)
    )
    return (labels, first.round(1), second.round(1)) if rounded else (labels, first, second)


@pytest.mark.parametrize("seeds", [1, 2, 5])
@pytest.mark.parametrize("rounded", [False, True], ids=["no ties", "ties"])
def test_it_is_delongs_with_the_seed_spread(seeds, rounded):
    for number in range(5):
        data = sample(seeds, number, rounded)
        difference, low, high = by_hand(*data)
        wanted = difference, max(low, -1), min(high, 1)
        assert paired_auc_difference(*data) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("seeds", [1, 3])
def test_zero_lies_outside_exactly_where_the_test_rejects(seeds):
    rejected = set()
    for number in range(40):
        labels, first, second = sample(seeds, number)
        _, low, high = paired_auc_difference(labels, first, second)
        rejects = compare_aucs(labels, first, second) < 0.05
        assert (low > 0 or high < 0) == rejects
        rejected.add(rejects)
    assert rejected == {True, False}


def test_the_second_is_the_one_that_gains():
    labels, noise, _ = sample(2, 0)
    good = noise + 9 * labels
    difference, low, high = paired_auc_difference(labels, noise, good)
    assert difference > 0
    assert paired_auc_difference(labels, good, noise) == pytest.approx((-difference, -high, -low))


def test_equal_scores_differ_by_exactly_nothing():
    labels, first, _ = sample(2, 1)
    assert paired_auc_difference(labels, first, first) == (0.0, 0.0, 0.0)
    assert paired_auc_difference(labels, first, first * 3 + 1) == (0.0, 0.0, 0.0)


def test_an_unknown_variance_excludes_nothing():
    labels = np.array([1, 0, 0, 0])
    first, second = np.array([[0.0, 1, 2, 3]]), np.array([[2.5, 1, 2, 3]])
    difference, low, high = paired_auc_difference(labels, first, second)
    assert (difference, low, high) == (pytest.approx(2 / 3), -1.0, 1.0)


def test_what_is_not_paired_is_refused():
    labels, first, second = sample(2, 2)
    with pytest.raises(ValueError, match="not paired"):
        paired_auc_difference(labels, first, second[:1])
