"""AUCs and their intervals against DeLong's variance, written out pair by pair and as published."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from harness.evaluation.auc import _midranks, auc_interval, aucs, delong, mean_auc
from harness.evaluation.contrasts import contrast


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
    assert contrast([aucs(labels, np.stack([scores, -scores]))], (1, -1)).p_value == 1


WFNS = """
21344441410143314441414134330331144114444
000040110110001010023030440013001101011000010100213103004311000201133000
"""
S100B = """
8 5 11 7 25 30 28 2 19 4 2 23 21 27 30 15 30 30 30 2 30 17 0 4 13 30 15 30 3 15 8 5 6 13 30 9 30 18
30 30 25
8 9 5 1 26 12 5 5 1 3 1 4 6 2 12 2 6 8 12 1 11 9 20 4 29 26 11 2 24 26 6 3 4 3 1 8 5 9 10 1 1 4 1 4
3 11 4 3 19 6 16 2 5 18 2 1 14 22 5 10 3 9 5 2 1 12 10 26 12 10 29 27
"""


def test_delong_of_a_published_example():
    """WFNS grade and S100B of 41 patients with a poor outcome and 72 with a good one, Turck et al. (2010), as ranks.

    AUCs, variances, covariance and the test are what pROC's own tests (Robin et al., 2011) hold for these data, there
    `aSAH`; the ranks are recovered from the placements that they hold, too.
    """
    labels = np.r_[np.ones(41), np.zeros(72)].astype(int)
    scores = np.array([list("".join(WFNS.split())), S100B.split()], dtype=float)
    found, covariance = delong(labels, scores)
    assert found == pytest.approx([0.823678861788618, 0.731368563685637], abs=1e-12)
    assert covariance.diagonal() == pytest.approx([0.00146991470882363, 0.00266868245717244], abs=1e-14)
    assert covariance[0, 1] == pytest.approx(0.00119615567376754, abs=1e-14)
    difference = contrast([aucs(labels, scores[:, None])], (1, -1)).of_these_networks
    assert difference.value / difference.error == pytest.approx(2.20898359144091)
    assert difference.p_value == pytest.approx(0.0271757822291882)
    assert difference.interval() == pytest.approx((0.0104061769564846, 0.174214419249478))


def by_hand(generator, seeds, rounded):
    """Labels, and scores (2, seeds, n) of two entries that share part of their noise."""
    labels = np.r_[np.ones(17, dtype=int), np.zeros(29, dtype=int)]
    scores = generator.normal(size=46) + generator.normal(size=(2, seeds, 46))
    scores += generator.uniform(0, 2, size=(2, 1, 1)) * labels
    return labels, scores.round(1) if rounded else scores


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("rounded", [False, True], ids=["no ties", "ties"])
def test_aucs_of_entries_and_seeds_are_delongs(seeds, rounded):
    for number in range(5):
        labels, scores = by_hand(np.random.default_rng(number), seeds, rounded)
        part, (flat, covariance) = aucs(labels, scores), delong(labels, scores.reshape(-1, 46))
        assert part.values.ravel() == pytest.approx(flat, abs=1e-12)
        weights = np.repeat([1.0, -1.0], seeds) / seeds
        assert part.image_variance(np.array([1.0, -1.0])) == pytest.approx(weights @ covariance @ weights, abs=1e-14)
        assert mean_auc(labels, scores[0])[1] == pytest.approx(part.image_variance(np.array([1.0, 0.0])), abs=1e-14)


def test_one_network_each_is_delongs_test():
    labels, scores = by_hand(np.random.default_rng(9), 1, rounded=False)
    found, covariance = delong(labels, scores[:, 0])
    z = abs(found[0] - found[1]) / math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert contrast([aucs(labels, scores)], (1, -1)).of_these_networks.p_value == pytest.approx(2 * stats.norm.sf(z))


def test_equal_scores_differ_by_exactly_nothing():
    labels, scores = by_hand(np.random.default_rng(1), 2, rounded=False)
    found = contrast([aucs(labels, np.stack([scores[0], 3 * scores[0] + 1]))], (1, -1))
    assert (found.value, found.variance, found.p_value, found.interval()) == (0, 0, 1, (0, 0))


def test_ranks_share_ties_as_scipys_do():
    generator = np.random.default_rng(2)
    for values in (generator.normal(size=(5, 30)), generator.integers(0, 4, (5, 30)) * 1.0, np.ones((2, 3)), [[1.0]]):
        assert (_midranks(np.asarray(values)) == stats.rankdata(values, axis=1)).all()


@pytest.mark.parametrize("scores", [[math.nan, 0], [0, math.nan], [math.nan, math.nan]])
def test_a_score_that_is_no_number_has_no_auc(scores):
    with pytest.raises(ValueError, match="not a number"):
        delong([1, 0], scores)
    with pytest.raises(ValueError, match="not a number"):
        delong([1, 0], [[1, 0], scores])
