"""Slopes and intercepts of several networks beside refits without each image."""

import numpy as np
import pytest

from harness.evaluation.calibration import calibration
from harness.evaluation.calibration_of_networks import calibrations
from harness.evaluation.contrasts import contrast


@pytest.fixture
def drawn():
    generator = np.random.default_rng(3)
    labels = (np.arange(400) < 150).astype(int)
    scores = np.stack([[2 * labels + generator.normal(size=400) for _ in range(3)] for _ in range(2)])
    return labels, scores


def test_values_are_those_of_each_network(drawn):
    labels, scores = drawn
    slopes, intercepts = calibrations(labels, scores)
    for place in np.ndindex(2, 3):
        found = calibration(labels, scores[place])
        assert (slopes.values[place], intercepts.values[place]) == (found.slope.value, found.intercept.value)


@pytest.mark.parametrize("which", [0, 1])
def test_the_variance_over_images_is_that_of_refits_without_each(drawn, which):
    """The jackknife within the classes, whose sizes are given; it is a little larger than its first order."""
    labels, scores = drawn
    measured = calibrations(labels, scores[:1, :1])[which]
    without = [calibration(np.delete(labels, i), np.delete(scores[0, 0], i))[which].value for i in range(400)]
    wanted = sum(
        (n - 1) / n * np.sum(np.square(own - own.mean()))
        for own, n in ((np.array(without)[labels == label], np.sum(labels == label)) for label in (1, 0))
    )
    assert 0.93 * wanted < measured.image_variance(np.ones((1, 1)))[0] < wanted


def test_scores_that_are_right_have_walds_interval(drawn):
    """Its errors let the number of positives vary, too, on which an intercept depends."""
    generator = np.random.default_rng(5)
    scores = generator.normal(size=20000)
    labels = (generator.random(20000) < 1 / (1 + np.exp(-scores))).astype(int)
    slopes, _ = calibrations(labels, scores[None, None])
    wald = calibration(labels, scores).slope
    low, high = contrast([slopes], [1.0]).of_these_networks.interval()
    assert (low, high) == (pytest.approx(wald.low, abs=0.004), pytest.approx(wald.high, abs=0.004))


def test_what_the_images_do_not_decide_is_not_known_and_hides_no_other(drawn):
    labels, scores = drawn
    scores = scores.copy()
    scores[0, 1] = labels
    slopes, intercepts = calibrations(labels, scores)
    for found in (slopes, intercepts):
        assert np.isnan(found.values).tolist() == [[False, True, False], [False, False, False]]
        assert not np.isnan(contrast([found], [0.0, 1.0]).variance)
