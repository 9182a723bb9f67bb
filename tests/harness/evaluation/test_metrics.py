import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import DataError
from harness.evaluation.metrics import Confusion, confusion, evaluate, probabilities

IMAGES = st.lists(
    st.tuples(st.integers(0, 1), st.integers(-6, 6).map(lambda step: step / 2)), min_size=2, max_size=40
).filter(lambda images: len({label for label, _ in images}) == 2)


def vectors(images):
    labels, scores = zip(*images, strict=True)
    return np.array(labels), np.array(scores)


@settings(max_examples=60, deadline=None)
@given(IMAGES, st.integers(-7, 7).map(lambda step: step / 2))
def test_counts_equal_a_counting_loop(images, threshold):
    result = evaluate(*vectors(images), {"t": threshold})
    missed = sum(1 for label, score in images if label == 1 and not score > threshold)
    alarms = sum(1 for label, score in images if label == 0 and score > threshold)
    assert (result["fn/t"], result["fp/t"]) == (missed, alarms)
    assert result["p"] == sum(label for label, _ in images)
    assert result["p"] + result["n"] == len(images)
    assert result["accuracy/t"] == pytest.approx(1 - (missed + alarms) / len(images))


@settings(max_examples=60, deadline=None)
@given(IMAGES)
def test_auc_is_the_share_of_ordered_pairs_with_ties_as_one_half(images):
    positives = [score for label, score in images if label == 1]
    negatives = [score for label, score in images if label == 0]
    wins = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a in positives for b in negatives)
    result = evaluate(*vectors(images), {})
    assert result["auc"] == pytest.approx(wins / (len(positives) * len(negatives)), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(IMAGES)
def test_average_precision_is_the_sum_over_recall_steps(images):
    result, expected, found = evaluate(*vectors(images), {})["ap"], 0.0, 0
    total = sum(label for label, _ in images)
    for cut in sorted({score for _, score in images}, reverse=True):
        kept = [label for label, score in images if score >= cut]
        expected += (sum(kept) - found) / total * sum(kept) / len(kept)
        found = sum(kept)
    assert result == pytest.approx(expected, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(IMAGES)
def test_calibration_equals_a_loop(images):
    bins, brier = {}, 0.0
    for label, score in images:
        probability = 1 / (1 + math.exp(-score))
        brier += (probability - label) ** 2 / len(images)
        bins.setdefault(int(probability * 15), []).append((probability, label))
    expected = sum(
        abs(sum(p for p, _ in members) / len(members) - sum(y for _, y in members) / len(members))
        * len(members)
        / len(images)
        for members in bins.values()
    )
    result = evaluate(*vectors(images), {})
    assert result["ece"] == pytest.approx(expected, abs=1e-12)
    assert result["brier"] == pytest.approx(brier, abs=1e-12)


def test_the_keys_are_exactly_the_published_ones():
    result = evaluate(np.array([0, 1]), np.array([0.0, 1.0]), {"argmax": 0.0, "sens95": 0.5})
    counted = {f"{count}/{name}" for count in ("fn", "fp", "accuracy") for name in ("argmax", "sens95")}
    assert set(result) == {"auc", "ap", "brier", "ece", "p", "n"} | counted
    assert all(type(value) is float for value in result.values())


def test_constant_scores_have_an_auc_of_exactly_one_half():
    labels = np.array([0] * 304 + [1] * 75)
    for constant in (0.0, 0.1, -1e30, 1e-300):
        assert evaluate(labels, np.full(379, constant, dtype=np.float32), {})["auc"] == 0.5


def test_the_decision_is_strictly_above_the_threshold():
    assert confusion(np.array([1, 0]), np.array([0.0, 0.0]), 0.0) == Confusion(fn=1, fp=0, p=1, n=1)


def test_float32_scores_are_cut_where_float64_says():
    scores = np.array([0.1, 0.2], dtype=np.float32)
    just_below = float(np.nextafter(np.float64(scores[0]), -np.inf))
    assert confusion(np.array([1, 0]), scores, just_below).fn == 0


def test_certainty_belongs_to_the_last_calibration_bin():
    # Probabilities 1 and 0.96 share a bin, where their errors partly cancel: |1.96 - 1| / 2.
    scores = np.array([1e6, math.log(0.96 / 0.04)])
    assert evaluate(np.array([0, 1]), scores, {})["ece"] == pytest.approx(0.48)


def test_extreme_scores_do_not_overflow():
    result = evaluate(np.array([0, 1]), np.array([-1e6, 1e6]), {"argmax": 0.0})
    assert (result["brier"], result["ece"], result["auc"]) == (0.0, 0.0, 1.0)
    assert list(probabilities(np.array([-1e6, 0, 1e6]))) == [0.0, 0.5, 1.0]


def test_rates_are_shares_of_their_own_class():
    counts = Confusion(fn=15, fp=38, p=75, n=304)
    assert (counts.fnr, counts.fpr) == (0.2, 0.125)


@pytest.mark.parametrize(
    ("labels", "scores", "complaint"),
    [
        ([0, 0, 0], [1.0, 2.0, 3.0], "positive"),
        ([1, 1], [1.0, 2.0], "negative"),
        ([0, 1], [1.0, math.nan], "finite"),
        ([0, 1], [1.0, math.inf], "finite"),
        ([0, 2], [1.0, 2.0], "0 or 1"),
        ([0, 1], [1.0], "one length"),
    ],
)
def test_what_cannot_be_counted_is_refused(labels, scores, complaint):
    with pytest.raises(DataError, match=complaint):
        evaluate(np.array(labels), np.array(scores), {"argmax": 0.0})
