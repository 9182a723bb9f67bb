import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.evaluation.figures import evaluate
from harness.evaluation.metrics import probabilities
from harness.evaluation.terms import Terms

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
    assert set(result) == {"auc", "ap", "ap/base", "sensitivity", "net_benefit", "brier", "ece", "p", "n"} | counted
    assert all(type(value) is float for value in result.values())


def test_constant_scores_have_an_auc_of_exactly_one_half():
    labels = np.array([0] * 304 + [1] * 75)
    for constant in (0.0, 0.1, -1e30, 1e-300):
        assert evaluate(labels, np.full(379, constant, dtype=np.float32), {})["auc"] == 0.5


def test_certainty_belongs_to_the_last_calibration_bin():
    # Probabilities 1 and 0.96 share a bin, where their errors partly cancel: |1.96 - 1| / 2.
    scores = np.array([1e6, math.log(0.96 / 0.04)])
    assert evaluate(np.array([0, 1]), scores, {})["ece"] == pytest.approx(0.48)


def test_extreme_scores_do_not_overflow():
    result = evaluate(np.array([0, 1]), np.array([-1e6, 1e6]), {"argmax": 0.0})
    assert (result["brier"], result["ece"], result["auc"]) == (0.0, 0.0, 1.0)
    assert list(probabilities(np.array([-1e6, 0, 1e6]))) == [0.0, 0.5, 1.0]


@settings(max_examples=60, deadline=None)
@given(IMAGES, st.integers(1, 9))
@example([(0, 0.0), (0, -1.0), (1, -0.5)], 5)
def test_sensitivity_is_what_is_called_while_the_alarms_last(images, tenths):
    """From the highest score down every image is called until a negative is not; of equal scores the share that is."""
    positives = [score for label, score in images if label == 1]
    negatives = [score for label, score in images if label == 0]
    left, found = Fraction(tenths, 10) * len(negatives), Fraction(0)
    for score in sorted({*positives, *negatives}, reverse=True):
        tied = negatives.count(score)
        share = min(Fraction(1), left / tied) if tied else Fraction(1)
        found += share * positives.count(score)
        left -= share * tied
        if share < 1:
            break
    result = evaluate(*vectors(images), {}, Terms(fpr=tenths / 10))
    assert result["sensitivity"] == pytest.approx(float(found / len(positives)), abs=1e-9)


def test_the_terms_decide_the_sensitivity_and_the_net_benefit_alone():
    labels, scores = np.array([0, 0, 0, 0, 1, 1]), np.array([-3.0, -1.0, 0.0, 2.0, -0.5, 1.0])
    both = Terms(), Terms(fpr=0.6, cost_ratio=1)
    usual, other = (evaluate(labels, scores, {"argmax": 0.0}, terms) for terms in both)
    assert {name for name in usual if usual[name] != other[name]} == {"sensitivity", "net_benefit"}
    assert (usual["sensitivity"], other["sensitivity"]) == (0.5, 1.0)
    assert (usual["net_benefit"], other["net_benefit"]) == (pytest.approx((2 - 3 / 10) / 6), 0)
    assert usual["ap/base"] == pytest.approx(1 / 3)


def test_a_calibration_that_the_images_decide_is_told_and_no_other():
    among = evaluate(np.array([0, 1, 0, 1]), np.array([0.0, 1.0, 2.0, 3.0]), {})
    assert among.keys() >= {"calibration/slope", "calibration/intercept"}
    apart = evaluate(np.array([0, 0, 1, 1]), np.array([0.0, 1.0, 2.0, 3.0]), {})
    assert among.keys() - apart.keys() == {"calibration/slope", "calibration/intercept"}
