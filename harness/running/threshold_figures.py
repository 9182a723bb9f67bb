"""Thresholds as a cell's record has them; apart from scoring, since names decide no bit of a stage."""

from collections.abc import Mapping

from harness.evaluation.thresholds import Threshold
from harness.results import names


def threshold_figures(thresholds: Mapping[str, Threshold]) -> dict[str, float]:
    """Return the thresholds and their confidences by the record's names."""
    found = {f"{names.THRESHOLD}{name}": one.value for name, one in thresholds.items()}
    told = {name: one.confidence for name, one in thresholds.items() if one.confidence is not None}
    return found | {f"{names.THRESHOLD}{name}/confidence": confidence for name, confidence in told.items()}
