"""What an entry's networks are worth at each price of a missed positive: their mean decision curve."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.evaluation import net_benefit
from harness.reports.analysis.design import by_part
from harness.reports.analysis.outcomes import Outcome

GRID = tuple(step / 100 for step in range(5, 55, 5))
"""Threshold probabilities: at p a missed positive costs (1 - p) / p false alarms, from 19 down to 1."""


@dataclass(frozen=True)
class CurvePoint:
    """Net true positives an image at one ``threshold`` probability; calling nothing positive has 0.

    ``networks``: mean of an entry's networks. ``everything``: of calling every image positive.
    """

    threshold: float
    networks: float
    everything: float


def decision_curve(done: Sequence[Outcome]) -> tuple[CurvePoint, ...]:
    """Return the mean curve of done cells of one entry and level, of a fold first; nothing without any."""
    folds = [np.mean([_curve(one) for one in own], axis=0) for own in by_part(done)]
    return tuple(CurvePoint(*map(float, point)) for point in np.mean(folds, axis=0)) if folds else ()


def _curve(cell: Outcome) -> list[tuple[float, float, float]]:
    assert cell.labels is not None
    assert cell.scores is not None
    found = net_benefit.decision_curve(cell.labels, cell.scores, GRID)
    return [(point.threshold, point.network, point.everything) for point in found]
