"""Contrasts of mean AUCs, beside counting pairs of images."""

import math

import numpy as np
import pytest
from scipy import stats

from harness.reports.analysis.differences import auc_contrast, mean_auc_of
from harness.reports.analysis.outcomes import read_outcomes


def entries(made):
    cells = read_outcomes(made.results())
    return [[cell for cell in cells if cell.entry == name] for name in ("a", "b", "c")]


def counted(cell):
    positives, negatives = cell.scores[cell.labels == 1], cell.scores[cell.labels == 0]
    return np.mean([[(p > n) + (p == n) / 2 for n in negatives] for p in positives])


@pytest.fixture
def made(trial):
    def of(folds):
        found = trial(folds=folds, positives=30, negatives=40)
        for name, missed in (("a", 3), ("b", 9), ("c", 6)):
            found.entry(name, 0.5, missed, spread=3)
        return found

    return of


def test_a_difference_over_folds_is_that_of_the_folds_mean_aucs(made):
    own = entries(made(4))
    means = np.array(
        [[np.mean([counted(cell) for cell in each if cell.fold == fold]) for fold in (1, 2, 3, 4)] for each in own]
    )
    found = auc_contrast(own, (1, -1, 0))
    assert found.value == pytest.approx(means[0].mean() - means[1].mean())
    left = means - means.mean(axis=1, keepdims=True) - means.mean(axis=0) + means.mean()
    variance = 2 * np.sum(left**2) / (2 * 3) * (1 / 4 + 1 / 3)
    half = stats.t.ppf(0.975, 2 * 3) * math.sqrt(variance)
    assert found.interval() == pytest.approx((found.value - half, found.value + half))
    assert [mean_auc_of(each) for each in own] == pytest.approx([*means.mean(axis=1)])


def test_over_seeds_the_noise_of_the_images_is_never_left_out(made):
    own = entries(made(0))
    found = auc_contrast(own, (1, -1, 0))
    assert found.value == pytest.approx(np.mean([counted(a) - counted(b) for a, b in zip(*own[:2], strict=True)]))
    shares = {}
    for label in (1, 0):
        each = []
        for a, b in zip(*own[:2], strict=True):
            pair = []
            for cell in (a, b):
                mine, others = (cell.scores[cell.labels == one] for one in (label, 1 - label))
                pair.append([np.mean(one > others if label else others > one) for one in mine])
            each.append(np.subtract(*pair))
        shares[label] = np.mean(each, axis=0)
    images = sum(np.var(own_shares, ddof=1) / own_shares.size for own_shares in shares.values())
    assert found.given_networks == pytest.approx(images)
    assert found.variance >= images


def test_the_order_in_which_cells_come_says_nothing(made):
    own = entries(made(2))
    mixed = [[*reversed(own[0])], own[1][3:] + own[1][:3], own[2]]
    assert auc_contrast(mixed, (1, -1, 0)) == auc_contrast(own, (1, -1, 0))


def test_entries_of_other_networks_have_no_difference(made):
    own = entries(made(2))
    with pytest.raises(ValueError, match="shorter"):
        auc_contrast([own[0], own[1][:3]], (1, -1))
