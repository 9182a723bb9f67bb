import math

import pytest

from harness.reports.analysis.columns import COLUMNS
from harness.reports.analysis.estimates import Estimate, Rate
from harness.reports.charts.axes import spot, ticks_of, written

NAMED = {column.name: column for column in COLUMNS}


@pytest.mark.parametrize(
    ("name", "values", "ticks"),
    [
        ("remaining", [0.5, 0.25, 0.03125, 0.5, None], [0.03125, 0.25, 0.5]),
        ("steps", [150, 300, 450, 300], [150, 300, 450]),
        ("flops_left", [0.9, 0.5, 0.3, 0.25, 0.11, 0.07, 0.2], [0.0625, 0.125, 0.25, 0.5, 1.0]),
        ("processor_seconds", [11, 13, 17, 19, 23, 29, 31, 0], [10, 20]),
        ("steps", [None], []),
    ],
)
def test_ticks_are_the_values_where_they_are_few_and_else_round(name, values, ticks):
    assert ticks_of(NAMED[name], values) == ticks


def test_an_error_is_what_a_figure_leaves_to_one_with_its_interval_turned_round():
    found = Estimate(0.8, (0.7, 0.9), (0.6, 0.95), 0.75, 0.85)
    assert spot(NAMED["auc"], found) == pytest.approx((0.2, 0.05, 0.4))
    assert spot(NAMED["missed"], Rate(3, 30, 0.02, 0.27)) == (0.1, 0.02, 0.27)
    assert math.isnan(spot(NAMED["auc"], None)[0])
    assert spot(NAMED["remaining"], 0.25)[0] == 0.25


def test_numbers_are_kept_to_four_digits():
    assert [written(value) for value in (0.123456, 12345.6, math.nan, math.inf)] == [0.1235, 12350.0, None, None]
    assert written(0.123456, 2) == 0.12
