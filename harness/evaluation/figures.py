"""Every figure of one split: what a cell's record, MLflow and cells.csv have of it."""

import math
from collections.abc import Mapping

import numpy as np

from harness.evaluation.calibration import calibration
from harness.evaluation.equal_alarms import sensitivity_at
from harness.evaluation.metrics import (
    Confusion,
    ImageScores,
    Labels,
    checked,
    confusion,
    expected_calibration_error,
    probabilities,
)
from harness.evaluation.net_benefit import net_benefit, threshold_of
from harness.evaluation.terms import USUAL, Terms


def evaluate(
    labels: Labels, scores: ImageScores, thresholds: Mapping[str, float], terms: Terms = USUAL
) -> dict[str, float]:
    """Return every metric of one split: labels and scores (N,), thresholds by name.

    Keys: ``auc`` (ties count one half), ``ap`` and its ``ap/base``, ``sensitivity``, ``net_benefit``,
    ``calibration/slope``, ``calibration/intercept``, ``brier``, ``ece``, ``p``, ``n``, and ``fn/t``, ``fp/t``,
    ``accuracy/t`` for each threshold ``t``. What the images do not decide is left out. Raises as `checked` does.
    """
    found = _ranking(labels, scores, terms) | _calibrated(labels, scores, terms)
    for name, threshold in thresholds.items():
        found |= _errors(name, labels, scores, threshold)
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _ranking(labels: Labels, scores: ImageScores, terms: Terms) -> dict[str, float]:
    from sklearn.metrics import average_precision_score, roc_auc_score

    positive, values = checked(labels, scores)
    return {
        "auc": float(roc_auc_score(positive, values)),
        "ap": float(average_precision_score(positive, values)),
        "ap/base": float(positive.mean()),
        "sensitivity": sensitivity_at(labels, scores, terms.fpr),
        "p": float(np.count_nonzero(positive)),
        "n": float(np.count_nonzero(~positive)),
    }


def _calibrated(labels: Labels, scores: ImageScores, terms: Terms) -> dict[str, float]:
    from sklearn.metrics import brier_score_loss

    positive, values = checked(labels, scores)
    slope, intercept = calibration(labels, scores)
    return {
        "brier": float(brier_score_loss(positive, probabilities(values))),
        "ece": expected_calibration_error(labels, scores),
        "calibration/slope": slope.value,
        "calibration/intercept": intercept.value,
        "net_benefit": net_benefit(labels, scores, threshold_of(terms.cost_ratio)).network,
    }


def _errors(name: str, labels: Labels, scores: ImageScores, threshold: float) -> dict[str, float]:
    positive, values = checked(labels, scores)
    counts = confusion(labels, scores, threshold)
    accuracy = float(np.mean((values > threshold) == positive))
    _assert_consistent(counts, accuracy)
    return {f"fn/{name}": float(counts.fn), f"fp/{name}": float(counts.fp), f"accuracy/{name}": accuracy}


def _assert_consistent(counts: Confusion, accuracy: float) -> None:
    """Hold accuracy, counted on its own, against the two error rates: published tables often fail this."""
    prevalence = counts.p / (counts.p + counts.n)
    expected = 1 - (prevalence * counts.fnr + (1 - prevalence) * counts.fpr)
    assert math.isclose(accuracy, expected, abs_tol=1e-12), (accuracy, expected, counts)
