"""Mean decision curves, counted image by image."""

import math

import numpy as np
import pytest

from harness.reports.analysis.decision_curves import GRID, decision_curve
from harness.reports.analysis.outcomes import read_outcomes


@pytest.mark.parametrize("folds", [0, 2])
def test_it_is_the_mean_of_what_each_network_nets_at_each_price(trial, folds):
    made = trial(folds=folds, positives=20, negatives=60).entry("lt", 0.5, 3, spread=2)
    cells = read_outcomes(made.results())
    found = decision_curve(cells)
    assert [point.threshold for point in found] == pytest.approx(
        [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5]
    )
    for point in found:
        price = point.threshold / (1 - point.threshold)
        nets = []
        for cell in cells:
            called = [1 / (1 + math.exp(-score)) > point.threshold for score in cell.scores]
            hits = sum(c and label for c, label in zip(called, cell.labels, strict=True))
            alarms = sum(c and not label for c, label in zip(called, cell.labels, strict=True))
            nets.append((hits - price * alarms) / 80)
        assert point.networks == pytest.approx(np.mean(nets))
        assert point.everything == pytest.approx((20 - price * 60) / 80)


def test_nothing_done_has_no_curve():
    assert decision_curve([]) == ()
    assert len(GRID) == 10
