import math

import numpy as np
import pytest
from scipy import stats

from harness.evaluation.calibration import calibration as fitted
from harness.reports.analysis.estimates import Rate, alive, auc, calibration, mean, rate, sensitivity
from harness.reports.analysis.outcomes import read_outcomes


def cells_of(made, entry="lt", **facts):
    return [cell for cell in read_outcomes(made.results(**facts)) if cell.entry == entry]


def auc_by_counting(cell):
    positives, negatives = cell.scores[cell.labels == 1], cell.scores[cell.labels == 0]
    return np.mean([[(p > n) + (p == n) / 2 for n in negatives] for p in positives])


def placements(cells, label):
    """Of each image of a class the share of the other that it stands on the right side of, mean over networks."""
    shares = []
    for cell in cells:
        own, others = (cell.scores[cell.labels == one] for one in (label, 1 - label))
        shares.append([np.mean((one > others) if label else (others > one)) for one in own])
    return np.mean(shares, axis=0)


def on_the_logit_scale(value, error, quantile):
    half = quantile * error / (value * (1 - value))
    centre = math.log(value / (1 - value))
    return tuple(1 / (1 + math.exp(-one)) for one in (centre - half, centre + half))


@pytest.fixture
def small(trial):
    return lambda **more: trial(positives=40, negatives=50, **more)


def test_an_auc_is_the_share_of_pairs_in_order_and_its_narrower_interval_is_over_images(small):
    cells = cells_of(small().entry("lt", 0.5, (4, 8, 15)))
    each = [auc_by_counting(cell) for cell in cells]
    found = auc(cells)
    assert (found.value, found.least, found.most) == pytest.approx((np.mean(each), min(each), max(each)))
    # DeLong's variance of the mean over these networks
    variance = sum(np.var(own := placements(cells, label), ddof=1) / own.size for label in (1, 0))
    assert found.these == pytest.approx(on_the_logit_scale(found.value, math.sqrt(variance), stats.norm.ppf(0.975)))
    assert found.method[0] < found.these[0] < found.value < found.these[1] < found.method[1]


def test_over_folds_the_wider_interval_is_of_the_folds_means(small):
    cells = cells_of(small(folds=4).entry("lt", 0.5, 8, spread=4, seeds=(0, 1)))
    folds = [np.mean([auc_by_counting(cell) for cell in cells if cell.fold == fold]) for fold in (1, 2, 3, 4)]
    found = auc(cells)
    assert found.value == pytest.approx(np.mean(folds))
    error = math.sqrt(np.var(folds, ddof=1) * (1 / 4 + 1 / 3))
    assert found.method == pytest.approx(on_the_logit_scale(found.value, error, stats.t.ppf(0.975, 3)))
    parts = [[cell for cell in cells if cell.fold == fold] for fold in (1, 2, 3, 4)]
    images = sum(np.var(own := placements(part, label), ddof=1) / own.size for part in parts for label in (1, 0))
    given = on_the_logit_scale(found.value, math.sqrt(images) / 4, stats.norm.ppf(0.975))
    assert found.these == pytest.approx(given)


@pytest.mark.parametrize(("seeds", "told"), [((0,), False), ((0, 1), False), ((0, 1, 2), True)])
def test_below_three_networks_nothing_is_said_of_the_method(small, seeds, told):
    cells = cells_of(small().entry("lt", 0.5, (4, 8, 15), seeds=seeds))
    for found in (auc(cells), sensitivity(cells)):
        assert (found.method is not None) is told
        assert 0 < found.these[0] < found.value < found.these[1] < 1


def test_a_perfect_auc_is_as_sure_as_its_smaller_class_allows(small):
    found = auc(cells_of(small().entry("lt", 0.5, 0, seeds=(0,))))
    assert (found.value, found.these) == (1.0, (pytest.approx(0.025 ** (1 / 40)), 1.0))


@pytest.mark.parametrize("fpr", [0.1, 0.3])
def test_a_sensitivity_is_what_is_found_where_so_many_negatives_are_called(small, fpr):
    cells = cells_of(small().entry("lt", 0.5, (4, 8, 15)), verdict={"fpr": fpr})
    each = []
    for cell in cells:
        cut = sorted(cell.scores[cell.labels == 0], reverse=True)[round(fpr * 50)]
        each.append(np.mean([score > cut for score in cell.scores[cell.labels == 1]]))
    found = sensitivity(cells)
    assert (found.value, found.least, found.most) == pytest.approx((np.mean(each), min(each), max(each)))
    assert [cell.tested("sensitivity") for cell in cells] == pytest.approx(each)


def test_a_rate_is_a_mean_count_over_its_class_and_folds_are_added_up(trial):
    """The cut keeps 90 of 100 validation positives; the test part's are missed where they lie below it."""
    made = trial(folds=2)
    counts = {}
    for fold in (1, 2):
        for seed in (0, 1):
            test, validation = made.scored(12, "test", seed, fold), made.scored(12, "validation", seed, fold)
            made.network("lt", 0.5, seed, test, fold=fold, validation=validation)
            cut = sorted(validation[:120])[12]
            counts[fold, seed] = [np.sum(test[:120] < cut), np.sum(test[120:] >= cut)]
    cells = cells_of(made)
    for name, place, images in (("fn/deployed", 0, 240), ("fp/deployed", 1, 300)):
        k = sum(np.mean([counts[fold, seed][place] for seed in (0, 1)]) for fold in (1, 2))
        found = rate(cells, name)
        assert (found.k, found.n, found.share) == (k, images, k / images)
    whole = rate([cells[0]], "fn/deployed")
    interval = stats.binomtest(int(whole.k), 120).proportion_ci(0.95, method="exact")
    assert whole == Rate(whole.k, 120, pytest.approx(interval.low), pytest.approx(interval.high))


def test_what_nobody_counted_is_not_known(trial):
    made = trial().entry("lt", 0.5, 12)
    cells = cells_of(made)
    assert rate(cells, "fn/nowhere") is None
    assert (rate([], "fn/deployed"), auc([]), sensitivity([])) == (None, None, None)
    assert math.isnan(mean(cells, "nothing"))
    assert math.isnan(mean([], "test/auc"))
    made.images = [one for one in made.images if one["split"].iloc[0] == "test"]
    assert rate(cells_of(made), "fn/deployed") is None


def test_what_is_alive_is_a_share_of_the_dense_networks_parameters(trial):
    # A quarter of the dense network is left, and of that four fifths lie on a path.
    sizes = {"size/density": 0.25, "size/parameters": 500.0, "size/alive": 400.0}
    assert [alive(cell) for cell in cells_of(trial().entry("lt", 0.25, 12, **sizes))] == [pytest.approx(0.2)] * 3


def test_calibration_is_a_mean_with_an_interval_over_images_and_one_over_networks(trial):
    made = trial(positives=40, negatives=60)
    for seed in (0, 1, 2):
        scores = np.random.default_rng(seed).normal(size=100) * (1 + seed / 4) + made.labels - 0.5
        made.network("lt", 0.5, seed, scores)
    cells = cells_of(made)
    each = [fitted(cell.labels, cell.scores) for cell in cells]
    for found, of_each in zip(
        calibration(cells), ([one.slope for one in each], [o.intercept for o in each]), strict=True
    ):
        values = [one.value for one in of_each]
        assert (found.value, found.least, found.most) == pytest.approx((np.mean(values), min(values), max(values)))
        assert found.method[0] < found.these[0] < found.value < found.these[1] < found.method[1]
    assert calibration(cells[:2])[0].method is None
    single = calibration(cells[:1])[0]
    wald = each[0].slope
    assert single.these == (pytest.approx(wald.low, abs=0.1), pytest.approx(wald.high, abs=0.1))


def test_scores_that_no_line_fits_have_no_calibration(trial):
    made = trial().entry("lt", 0.5, 0, seeds=(0, 1))
    assert calibration(cells_of(made)) is None
    assert calibration([]) is None
