"""Sensitivity at equal false alarms against scikit-learn's ROC curve, and its noise against other draws."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_curve

from harness.evaluation.equal_alarms import at_cuts, called, cut_at, equal_alarms, roc_slope, sensitivity_at
from harness.evaluation.metrics import confusion


def sample(number, positives=31, negatives=47, rounded=False):
    generator = np.random.default_rng(number)
    labels = generator.permutation(np.r_[np.ones(positives), np.zeros(negatives)].astype(int))
    scores = generator.normal(size=labels.size) + labels
    return labels, np.round(scores * 2) / 2 if rounded else scores


@pytest.mark.parametrize("share", [0.05, 0.3, 1 / 3, 0.5, 0.913])
@pytest.mark.parametrize("rounded", [False, True], ids=["no ties", "ties"])
def test_the_cut_calls_exactly_that_share_of_the_negatives(share, rounded):
    for number in range(10):
        labels, scores = sample(number, rounded=rounded)
        negatives = scores[labels == 0]
        cut = cut_at(negatives, share)
        assert 0 <= cut.tie <= 1
        alarms = sum(1.0 if s > cut.value else cut.tie if s == cut.value else 0.0 for s in negatives)
        assert alarms == pytest.approx(share * len(negatives))
        assert called(negatives, cut).sum() == pytest.approx(alarms)


@pytest.mark.parametrize("share", [0.05, 0.3, 1 / 3, 0.913])
@pytest.mark.parametrize("rounded", [False, True], ids=["no ties", "ties"])
def test_it_is_the_roc_curve_at_that_share(share, rounded):
    for number in range(10):
        labels, scores = sample(number, rounded=rounded)
        alarms, found, _ = roc_curve(labels, scores, drop_intermediate=False)
        assert sensitivity_at(labels, scores, share) == pytest.approx(np.interp(share, alarms, found))


def test_a_network_that_says_the_same_of_all_finds_as_many_as_it_cries_wolf():
    labels = np.array([1, 1, 0, 0, 0])
    assert sensitivity_at(labels, np.full(5, 7.0), 0.3) == pytest.approx(0.3)


def test_scores_below_or_above_all_others_do_not_matter_but_their_order_does():
    labels, scores = sample(2)
    assert sensitivity_at(labels, scores * 100 - 5, 0.3) == sensitivity_at(labels, scores, 0.3)
    assert sensitivity_at(labels, -scores, 0.3) < sensitivity_at(labels, scores, 0.3)


def silverman(values):
    low, high = np.quantile(values, (0.25, 0.75))
    return 0.9 * min(np.std(values, ddof=1), (high - low) / 1.34) * len(values) ** -0.2


def density_in_loops(values, at):
    width = silverman(values)
    return sum(math.exp(-0.5 * ((at - v) / width) ** 2) / math.sqrt(2 * math.pi) for v in values) / (
        len(values) * width
    )


def test_the_slope_is_the_ratio_of_two_kernel_densities():
    for number in range(5):
        labels, scores = sample(number)
        own, others = scores[labels == 1], scores[labels == 0]
        for at in (-0.5, 0.4, 1.7):
            expected = density_in_loops(own, at) / density_in_loops(others, at)
            assert roc_slope(own, others, at) == pytest.approx(expected)
            scipys = [
                stats.gaussian_kde(values, silverman(values) / np.std(values, ddof=1))(at)[0]
                for values in (own, others)
            ]
            assert roc_slope(own, others, at) == pytest.approx(scipys[0] / scipys[1])


def test_without_a_spread_the_slope_is_unknown():
    some, same = np.array([0.0, 1.0, 2.0]), np.full(3, 1.0)
    assert math.isnan(roc_slope(some, same, 1.0))
    assert math.isnan(roc_slope(same, some, 1.0))
    assert math.isnan(roc_slope(np.array([1.0]), some, 1.0))
    half = np.array([0.0, 0, 0, 0, 0, 1])
    assert math.isfinite(roc_slope(half, half, 0.0)), "where the middle half ties the standard deviation counts"


def test_one_more_false_alarm_costs_what_the_slope_says():
    """The slope is the change of the sensitivity by the share of alarms: finite differences in a large sample."""
    labels, scores = sample(0, 40_000, 40_000)
    cut = cut_at(scores[labels == 0], 0.3)
    slope = roc_slope(scores[labels == 1], scores[labels == 0], cut.value)
    lower, upper = (sensitivity_at(labels, scores, share) for share in (0.29, 0.31))
    assert slope == pytest.approx((upper - lower) / 0.02, rel=0.05)
    truth = stats.norm.pdf(cut.value - 1) / stats.norm.pdf(cut.value)
    assert slope == pytest.approx(truth, rel=0.05)


def test_a_negative_has_its_share_in_the_figure():
    """Other negatives move the cut: what the jittered figure scatters by is what the negatives' shares say."""
    generator, many, few = np.random.default_rng(1), 10_000, 600
    positives, labels = generator.normal(size=many) + 1, np.r_[np.ones(many), np.zeros(few)].astype(int)
    figures, told = [], []
    for _ in range(800):
        scores = np.r_[positives, generator.normal(size=few)]
        figures.append(sensitivity_at(labels, scores, 0.3))
        if len(told) < 60:
            told.append(equal_alarms(labels, scores[None, None], 0.3).classes[1].covariance[0, 0] / few)
    assert np.mean(told) == pytest.approx(np.var(figures), rel=0.2)


def test_every_network_has_its_own_cut_and_slope():
    labels, _ = sample(3)
    scores = np.random.default_rng(3).normal(size=(3, 2, labels.size)) + labels * np.array([0, 1, 2])[:, None, None]
    part = equal_alarms(labels, scores, 0.3)
    for entry, network in np.ndindex(3, 2):
        one = scores[entry, network]
        own, others = one[labels == 1], one[labels == 0]
        cut = cut_at(others, 0.3)
        assert part.values[entry, network] == pytest.approx(sensitivity_at(labels, one, 0.3))
        assert part.classes[0].shares[entry, network] == pytest.approx(called(own, cut))
        slope = density_in_loops(own, cut.value) / density_in_loops(others, cut.value)
        assert part.classes[1].shares[entry, network] == pytest.approx(slope * called(others, cut))


def test_rates_at_cuts_that_were_fixed_before_are_counts():
    labels, first = sample(4, rounded=True)
    scores = np.stack([first, first[::-1], -first, np.abs(first)]).reshape(2, 2, -1)
    cuts = np.array([[0.5, 0.0], [-0.5, 1.0]])
    missed, alarms = at_cuts(labels, scores, cuts)
    for place in np.ndindex(2, 2):
        counted = confusion(labels, scores[place], cuts[place])
        assert missed.values[place] == pytest.approx(counted.fnr)
        assert alarms.values[place] == pytest.approx(counted.fpr)
        assert missed.classes[0].shares[place].sum() == counted.fn
        assert alarms.classes[0].shares[place].sum() == counted.fp
