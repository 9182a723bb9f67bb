"""DeLong's AUCs, intervals and comparisons against his variance written out pair by pair."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from harness.evaluation.auc import (
    auc_interval,
    compare_aucs,
    delong,
    mean_auc,
    paired_auc_contrast,
    paired_auc_difference,
)


def test_delong_equals_the_double_loop(draw):
    generator = np.random.default_rng(0)
    labels, scores = draw(generator, 9, 14, [0.0, 1.0, 2.0])
    scores = np.round(scores * 2) / 2  # ties
    networks, positives, negatives = len(scores), scores[:, labels == 1], scores[:, labels == 0]
    wins = np.zeros((networks, 9, 14))
    for network, i, j in itertools.product(range(networks), range(9), range(14)):
        a, b = positives[network, i], negatives[network, j]
        wins[network, i, j] = 1.0 if a > b else 0.5 if a == b else 0.0
    by_positive, by_negative = wins.mean(axis=2), wins.mean(axis=1)
    expected = np.cov(by_positive) / 9 + np.cov(by_negative) / 14
    aucs, covariance = delong(labels, scores)
    assert aucs == pytest.approx(wins.mean(axis=(1, 2)), abs=1e-12)
    assert covariance == pytest.approx(expected, abs=1e-12)


def test_delong_of_constant_scores_is_one_half_without_variance():
    aucs, covariance = delong(np.array([0, 0, 1, 1]), np.full((2, 4), 3.0))
    assert list(aucs) == [0.5, 0.5]
    assert covariance == pytest.approx(np.zeros((2, 2)), abs=0)


def test_auc_interval_covers_the_true_auc(draw):
    generator, truth, inside, draws = np.random.default_rng(3), 0.9, 0, 800
    separation = math.sqrt(2) * stats.norm.ppf(truth)
    for _ in range(draws):
        labels, scores = draw(generator, 75, 150, [separation])
        low, high = auc_interval(*mean_auc(labels, scores))
        inside += low <= truth <= high
    assert 0.93 <= inside / draws <= 0.98


def test_auc_interval_stays_sane_at_the_edges():
    assert auc_interval(0.5, 0.0) == (0.5, 0.5)
    assert auc_interval(1.0, 0.0) == (0.0, 1.0)
    assert auc_interval(0.8, math.nan) == (0.0, 1.0)
    assert auc_interval(1.0, 0.0, disjoint_pairs=75) == (pytest.approx(0.025 ** (1 / 75)), 1.0)
    assert auc_interval(0.0, 0.0, disjoint_pairs=75) == (0.0, pytest.approx(1 - 0.025 ** (1 / 75)))
    low, high = auc_interval(0.999, 0.01)
    assert 0 < low < 0.999 < high <= 1


def test_one_image_of_a_class_leaves_everything_open():
    labels, scores = np.array([1, 0, 0]), np.array([[2.0, 1.0, 3.0]])
    assert auc_interval(*mean_auc(labels, scores)) == (0.0, 1.0)
    assert compare_aucs(labels, scores, -scores) == 1.0


def test_comparing_equals_rarely_finds_a_difference(draw):
    generator, draws = np.random.default_rng(6), 400
    for seeds in (1, 2, 3):
        found = 0
        for _ in range(draws):
            labels, scores = draw(generator, 40, 80, [1.0] * 2 * seeds)
            found += compare_aucs(labels, scores[:seeds], scores[seeds:]) <= 0.05
        assert found / draws <= 0.075
        assert seeds > 1 or found / draws >= 0.02  # one seed: DeLong's own test, neither lax nor idle


def test_comparing_counts_the_seed_spread(draw):
    # Seeds that scatter around one mean: over the images alone they would differ by far.
    generator, found = np.random.default_rng(7), 0
    for _ in range(200):
        labels, scores = draw(generator, 400, 400, 1 + 0.5 * generator.normal(size=8), noise=0.2)
        found += compare_aucs(labels, scores[:4], scores[4:]) <= 0.05
    assert found / 200 <= 0.09


def test_comparing_finds_a_large_difference_and_none_in_equal_scores(draw):
    labels, scores = draw(np.random.default_rng(8), 75, 304, [2.5, 2.4, 0.3, 0.2])
    assert compare_aucs(labels, scores[:2], scores[2:]) < 0.01
    assert compare_aucs(labels, scores[:2], scores[:2]) == 1.0
    assert compare_aucs(labels, scores[:2], scores[2:]) == pytest.approx(compare_aucs(labels, scores[2:], scores[:2]))
    with pytest.raises(ValueError, match="paired"):
        compare_aucs(labels, scores[:2], scores[2:3])


def test_comparison_over_seeds_adds_both_variances(draw):
    seeds = 4
    labels, scores = draw(np.random.default_rng(11), 60, 90, [1.4, 1.2, 1.3, 1.0, 0.9, 1.1, 1.2, 0.8])
    aucs, covariance = delong(labels, scores)
    first, second = range(seeds), range(seeds, 2 * seeds)
    within = sum(covariance[i, j] for own in (first, second) for i in own for j in own)
    between = sum(covariance[i, j] for i in first for j in second)
    images = (within - 2 * between) / seeds**2
    training = stats.sem(aucs[:seeds] - aucs[seeds:]) ** 2
    freedom = (images + training) ** 2 / (training**2 / (seeds - 1))
    t = abs(aucs[:seeds].mean() - aucs[seeds:].mean()) / math.sqrt(images + training)
    assert 0.001 < compare_aucs(labels, scores[:seeds], scores[seeds:]) < 0.5
    assert compare_aucs(labels, scores[:seeds], scores[seeds:]) == pytest.approx(2 * stats.t.sf(t, freedom))


def test_one_seed_comparison_is_delongs_test(draw):
    labels, scores = draw(np.random.default_rng(9), 30, 60, [1.2, 0.8])
    aucs, covariance = delong(labels, scores)
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    expected = 2 * stats.norm.sf(abs(aucs[0] - aucs[1]) / math.sqrt(variance))
    assert compare_aucs(labels, scores[0], scores[1]) == pytest.approx(expected, abs=1e-9)


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


@pytest.mark.parametrize("scores", [[math.nan, 0], [0, math.nan], [math.nan, math.nan]])
def test_a_score_that_is_no_number_has_no_auc(scores):
    with pytest.raises(ValueError, match="not a number"):
        delong([1, 0], scores)
    with pytest.raises(ValueError, match="not a number"):
        delong([1, 0], [[1, 0], scores])
