import json
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import DataError
from harness.evaluation.metrics import confusion
from harness.evaluation.thresholds import Threshold, choose

IMAGES = st.lists(
    st.tuples(st.integers(0, 1), st.integers(-8, 8).map(lambda step: step / 4)), min_size=2, max_size=60
).filter(lambda images: len({label for label, _ in images}) == 2)


def vectors(images):
    labels, scores = zip(*images, strict=True)
    return np.array(labels), np.array(scores)


@settings(max_examples=80, deadline=None)
@given(IMAGES)
def test_sens95_is_the_largest_cut_that_keeps_95_percent(images):
    cut = choose(*vectors(images))["sens95"].value
    positives = [score for label, score in images if label == 1]
    kept = sum(1 for score in positives if score > cut)
    assert 100 * kept >= 95 * len(positives)
    kept_above = sum(1 for score in positives if score > math.nextafter(cut, math.inf))
    assert 100 * kept_above < 95 * len(positives)


@pytest.mark.parametrize("total", [*range(1, 45), 100, 173, 1000])
def test_sens95_keeps_no_more_positives_than_it_must(total):
    scores = np.arange(total + 1, dtype=np.float64)
    labels = np.r_[0, np.ones(total, dtype=np.int64)]
    cut = choose(labels, scores)["sens95"].value
    assert int((scores[1:] > cut).sum()) == math.ceil(Fraction(95, 100) * total)


def test_sens95_confidence_is_the_binomial_sum():
    for total in (1, 5, 35, 43):
        kept = math.ceil(Fraction(95, 100) * total)
        expected = sum(math.comb(total, j) * 0.95**j * 0.05 ** (total - j) for j in range(kept))
        labels = np.r_[0, np.ones(total, dtype=np.int64)]
        confidence = choose(labels, np.arange(total + 1.0))["sens95"].confidence
        assert confidence == pytest.approx(expected, abs=1e-12)


def test_sens95_confidence_is_how_often_the_true_sensitivity_suffices():
    # Uniform scores: the true sensitivity of a cut t is 1 - t.
    generator, total, draws = np.random.default_rng(0), 35, 2000
    labels = np.r_[0, np.ones(total, dtype=np.int64)]
    found = [choose(labels, np.r_[0.0, generator.random(total)])["sens95"] for _ in range(draws)]
    share = sum(1 - threshold.value >= 0.95 for threshold in found) / draws
    assert share == pytest.approx(found[0].confidence, abs=4 * math.sqrt(0.25 / draws))


def test_sens95_survives_float32_scores():
    scores = np.random.default_rng(1).normal(size=60).astype(np.float32)
    labels = np.r_[np.ones(40, dtype=np.int64), np.zeros(20, dtype=np.int64)]
    assert confusion(labels, scores, choose(labels, scores)["sens95"].value).fn == 2


@settings(max_examples=80, deadline=None)
@given(IMAGES)
def test_youden_is_the_best_of_all_cuts_and_the_most_sensitive_of_equals(images):
    labels, scores = vectors(images)

    def gain_and_sensitivity(cut):
        counts = confusion(labels, scores, cut)
        hits = counts.p - counts.fn
        return Fraction(hits, counts.p) - Fraction(counts.fp, counts.n), Fraction(hits, counts.p)

    best = max(gain_and_sensitivity(cut) for cut in [-100.0, *scores])
    assert gain_and_sensitivity(choose(labels, scores)["youden"].value) == best


@settings(max_examples=40, deadline=None)
@given(IMAGES, st.integers(1, 99))
def test_deployed_is_the_largest_cut_that_keeps_what_is_asked_for(images, percent):
    cut = choose(*vectors(images), percent / 100)["deployed"]
    positives = [score for label, score in images if label == 1]
    kept = sum(1 for score in positives if score > cut.value)
    assert 100 * kept >= percent * len(positives)
    assert 100 * sum(1 for score in positives if score > math.nextafter(cut.value, math.inf)) < percent * len(positives)
    needed = math.ceil(Fraction(percent, 100) * len(positives))
    share, total = percent / 100, len(positives)
    below = sum(math.comb(total, j) * share**j * (1 - share) ** (total - j) for j in range(needed))
    assert cut.confidence == pytest.approx(below, abs=1e-12)


@pytest.mark.parametrize(("share", "total", "kept"), [(0.07, 100, 7), (0.1, 10, 1), (0.9, 10, 9), (0.55, 20, 11)])
def test_a_share_is_taken_as_it_is_written(share, total, kept):
    labels = np.r_[0, np.ones(total, dtype=np.int64)]
    cut = choose(labels, np.arange(total + 1.0), share)["deployed"].value
    assert int((np.arange(1, total + 1) > cut).sum()) == kept


def test_of_no_wish_deployed_keeps_90_percent_and_sens95_is_what_it_was():
    labels, scores = np.r_[0, np.ones(40, dtype=np.int64)], np.arange(41.0)
    usual, asked = choose(labels, scores), choose(labels, scores, 0.95)
    assert int((scores[1:] > usual["deployed"].value).sum()) == 36
    assert replace(asked["deployed"], name="sens95") == asked["sens95"] == usual["sens95"]


def test_argmax_is_zero_and_only_what_keeps_a_sensitivity_has_a_confidence():
    found = choose(np.array([0, 1, 1]), np.array([-1.0, 0.5, 2.0]))
    assert list(found) == ["argmax", "sens95", "youden", "deployed"]
    assert found["argmax"] == Threshold("argmax", 0.0)
    assert found["youden"].confidence is None
    assert None not in {found["sens95"].confidence, found["deployed"].confidence}


def test_a_constant_score_calls_everything_positive_at_the_chosen_cuts():
    labels, scores = np.array([0, 0, 1]), np.full(3, 0.25)
    found = choose(labels, scores)
    for name in ("sens95", "youden", "deployed"):
        counts = confusion(labels, scores, found[name].value)
        assert (counts.fn, counts.fp) == (0, 2)


def test_thresholds_cross_json_to_the_bit():
    generator = np.random.default_rng(2)
    for threshold in choose(np.arange(50) % 2, generator.normal(size=50)).values():
        assert Threshold(**json.loads(json.dumps(threshold.to_json()))) == threshold


def test_an_absent_class_is_refused():
    with pytest.raises(DataError, match="positive"):
        choose(np.zeros(4, dtype=np.int64), np.arange(4.0))
