import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.evaluation.net_benefit import decision_curve, net_benefit, threshold_of

IMAGES = st.lists(st.tuples(st.integers(0, 1), st.integers(-16, 16).map(lambda step: step / 4)), min_size=2).filter(
    lambda images: len({label for label, _ in images}) == 2
)


@settings(max_examples=60, deadline=None)
@given(IMAGES, st.integers(1, 40))
def test_it_is_found_positives_less_alarms_at_their_price(images, cost):
    """Counted with fractions: a miss costs so many alarms, an image is called where p / (1 - p) > 1 / cost."""
    called = [(label, cost * math.exp(score) > 1) for label, score in images]
    worth = sum(label if label else -Fraction(1, cost) for label, yes in called if yes)
    everything = sum(label if label else -Fraction(1, cost) for label, _ in called)
    labels, scores = map(np.array, zip(*images, strict=True))
    if not np.any(np.isclose(scores, -math.log(cost))):
        found = net_benefit(labels, scores, threshold_of(cost))
        assert found.network == pytest.approx(float(worth / len(images)), abs=1e-12)
        assert found.everything == pytest.approx(float(everything / len(images)), abs=1e-12)
        assert found.nothing == 0


def test_a_cost_of_ten_cuts_at_one_eleventh():
    """Vickers and Elkin 2006: at threshold probability p a false alarm costs p / (1 - p) of a true positive."""
    assert threshold_of(10) == pytest.approx(1 / 11)
    labels = np.r_[np.ones(20, int), np.zeros(80, int)]
    probability = np.r_[np.full(15, 0.2), np.full(5, 0.05), np.full(30, 0.1), np.full(50, 0.01)]
    found = net_benefit(labels, np.log(probability / (1 - probability)), threshold_of(10))
    assert found.network == pytest.approx((15 - 30 / 10) / 100)
    assert found.everything == pytest.approx((20 - 80 / 10) / 100)


def test_a_curve_is_its_points_and_falls_to_nothing_where_nobody_is_called():
    labels, scores = np.array([0, 0, 0, 1, 1]), np.array([-2.0, -1.0, 0.5, 0.0, 2.0])
    grid = (0.05, 0.3, 0.6, 0.99)
    curve = decision_curve(labels, scores, grid)
    assert curve == tuple(net_benefit(labels, scores, threshold) for threshold in grid)
    assert [one.threshold for one in curve] == list(grid)
    assert curve[0].network == curve[0].everything
    assert curve[-1].network == 0 > curve[-1].everything
