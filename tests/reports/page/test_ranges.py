import pytest

from harness.reports.analysis.estimates import Estimate
from harness.reports.page.ranges import Scale, interval_of, scale_of


def estimate(value, these, method=None):
    return Estimate(value, these, method, value, value)


def test_the_interval_that_is_drawn_is_the_methods_and_else_that_of_the_networks():
    assert interval_of(estimate(0.7, (0.6, 0.8), (0.5, 0.9))) == (0.5, 0.9)
    assert interval_of(estimate(0.7, (0.6, 0.8))) == (0.6, 0.8)


def test_an_axis_holds_every_interval_and_its_places_are_in_proportion():
    scale = scale_of([estimate(0.7, (0.6, 0.8)), estimate(0.9, (0.85, 1.0), (0.8, 1.0))])
    assert scale == Scale(0.6, 1.0)
    assert [scale.place(value) for value in (0.6, 0.7, 0.75, 1.0)] == ["0", "25", "37.5", "100"]


@pytest.mark.parametrize(("value", "place"), [(-5.0, "0"), (9.0, "100")])
def test_nothing_is_drawn_outside(value, place):
    assert Scale(0, 1).place(value) == place


def test_an_axis_of_one_value_or_of_none_is_drawn():
    assert scale_of([estimate(0.5, (0.5, 0.5))]).place(0.5) == "50"
    assert scale_of([]).place(0.25) == "25"
