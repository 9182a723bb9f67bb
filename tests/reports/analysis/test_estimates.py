import math

import numpy as np
import pytest
from scipy import stats

from harness.reports.analysis.estimates import Rate, alive, auc, cell_rate, mean, rate
from harness.reports.analysis.outcomes import read_outcomes


@pytest.fixture
def cells(bench, scores):
    """Two seeds of one entry that miss 2 and 5 of 30 positives at argmax and raise 4 of 40 alarms."""
    for seed, missed in ((0, 2), (1, 5)):
        bench.done("lt", seed, 0.25, scores(missed, seed=seed), **{"size/parameters": 500.0, "size/alive": 400.0})
    return read_outcomes(bench.results())


def test_an_auc_is_the_share_of_pairs_in_order_with_an_interval_around_it(cells):
    each = []
    for cell in cells:
        positives, negatives = cell.scores[cell.labels == 1], cell.scores[cell.labels == 0]
        each.append(np.mean([[p > n for n in negatives] for p in positives]))
    found = auc(cells)
    assert (found.value, found.least, found.most) == pytest.approx((np.mean(each), min(each), max(each)))
    assert 0 < found.low < found.value < found.high < 1
    assert auc([]) is None


def test_a_perfect_auc_is_as_sure_as_its_smaller_class_allows(bench, scores):
    bench.done("lt", 0, 0.5, scores(0, alarms=0))
    found = auc(read_outcomes(bench.results()))
    assert (found.value, found.low, found.high) == (1.0, pytest.approx(0.025 ** (1 / 30)), 1.0)


def test_a_rate_is_a_mean_count_over_its_class(cells):
    missed, alarms = rate(cells, "fn/argmax"), rate(cells, "fp/argmax")
    assert (missed.k, missed.n, missed.share) == (3.5, 30, 3.5 / 30)
    interval = stats.binomtest(4, 40).proportion_ci(0.95, method="exact")
    assert alarms == Rate(4, 40, pytest.approx(interval.low), pytest.approx(interval.high))
    assert [cell_rate(cell, "fn/argmax") for cell in cells] == [2 / 30, 5 / 30]
    assert cell_rate(cells[0], "fp/argmax") == 4 / 40


def test_what_nobody_counted_is_not_known(cells):
    assert rate(cells, "fn/nowhere") is None
    assert rate([], "fn/argmax") is None
    assert math.isnan(mean(cells, "nothing"))
    assert math.isnan(mean([], "test/auc"))


def test_what_is_alive_is_a_share_of_the_dense_networks_parameters(cells):
    # A quarter of the dense network is left, and of that four fifths lie on a path.
    assert [alive(cell) for cell in cells] == [pytest.approx(0.2)] * 2
