"""Paired differences and contrasts against DeLong's variance written out pair by pair."""

import numpy as np
import pytest

from harness.evaluation.auc import compare_aucs, paired_auc_contrast, paired_auc_difference


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
def test_it_is_delongs_with_the_seed_spread(seeds, rounded, contrast_by_hand):
    for number in range(5):
        data = sample(seeds, number, rounded)
        difference, low, high = contrast_by_hand(data[0], data[1:], (-1, 1))
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


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_an_interaction_is_delongs_of_all_four_with_the_seeds_own_contrasts(seeds, contrast_by_hand):
    for number in range(5):
        labels, first, second = sample(seeds, number)
        _, third, fourth = sample(seeds, number + 100)
        entries, weights = (first, second, third, fourth), (1, -1, -1, 1)
        wanted = contrast_by_hand(labels, entries, weights)
        assert paired_auc_contrast(labels, entries, weights) == pytest.approx(wanted, abs=1e-9)


def test_the_same_change_twice_does_not_interact():
    labels, first, second = sample(3, 4)
    assert paired_auc_contrast(labels, (first, second, first, second), (1, -1, -1, 1)) == (0.0, 0.0, 0.0)


def test_an_unknown_variance_leaves_an_interaction_all_that_aucs_allow():
    labels = np.array([1, 0, 0, 0])
    low, high = np.array([[0.0, 1, 2, 3]]), np.array([[2.5, 1, 2, 3]])
    assert paired_auc_contrast(labels, (low, high, high, low), (1, -1, -1, 1)) == (pytest.approx(-4 / 3), -2.0, 2.0)


@pytest.mark.parametrize("weights", [(1, 1), (1, -1, 0), (-0.5, 1)])
def test_what_is_no_contrast_is_refused(weights):
    labels, first, second = sample(2, 2)
    with pytest.raises(ValueError, match="no contrast of 2 entries"):
        paired_auc_contrast(labels, (first, second), weights)
