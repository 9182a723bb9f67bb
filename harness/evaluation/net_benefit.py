"""What a network is worth to somebody for whom a missed positive costs so many false alarms: decision curves."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from harness.evaluation.metrics import ImageScores, Labels, confusion


class NetBenefit(NamedTuple):
    """Net true positives an image at one ``threshold`` probability, false alarms taken off at their price.

    Of the ``network``, and of two that need none: calling ``everything`` positive, and ``nothing``, which is 0.
    """

    threshold: float
    network: float
    everything: float
    nothing: float = 0.0


def threshold_of(cost_ratio: float) -> float:
    """Return the probability, in (0, 1), from which on an alarm pays where a miss costs ``cost_ratio`` > 0 alarms."""
    return 1 / (1 + cost_ratio)


def net_benefit(labels: Labels, scores: ImageScores, threshold: float) -> NetBenefit:
    """Return the net benefit at a ``threshold`` probability in (0, 1); labels and scores (N,).

    TP/N - FP/N threshold / (1 - threshold), an image being called positive where its score, taken as the log-odds,
    says more than the threshold: a network that is badly calibrated loses by that, too. Raises as `confusion` does.
    Source: Vickers and Elkin (2006), Medical Decision Making 26, 565-574.
    """
    price = threshold / (1 - threshold)
    found = confusion(labels, scores, math.log(price))
    images = found.p + found.n
    return NetBenefit(threshold, (found.p - found.fn - price * found.fp) / images, (found.p - price * found.n) / images)


def decision_curve(labels: Labels, scores: ImageScores, grid: Sequence[float]) -> tuple[NetBenefit, ...]:
    """Return the net benefit at each threshold probability of the ``grid``, each in (0, 1)."""
    return tuple(net_benefit(labels, scores, threshold) for threshold in grid)
