"""What was measured over the networks of one entry at one level, with its intervals."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from harness.evaluation.auc import auc_interval, aucs
from harness.evaluation.calibration_of_networks import calibrations
from harness.evaluation.contrasts import Measured, contrast
from harness.evaluation.equal_alarms import equal_alarms
from harness.evaluation.metrics import Labels
from harness.evaluation.proportions import clopper_pearson
from harness.evaluation.safety import FEWEST_NETWORKS
from harness.evaluation.variances import Floats
from harness.reports.analysis.design import by_part
from harness.reports.analysis.outcomes import Outcome
from harness.reports.analysis.stacked import stacked
from harness.results import names


@dataclass(frozen=True)
class Estimate:
    """A mean over networks and its 95 % intervals: ``these`` networks on other images, and the ``method``'s own.

    The method's, over other networks too, is None below three networks. ``least`` and ``most`` are the networks' range.
    """

    value: float
    these: tuple[float, float]
    method: tuple[float, float] | None
    least: float
    most: float


@dataclass(frozen=True)
class Rate:
    """``k`` of ``n`` images (k: mean over seeds; both added up over folds), with the interval of one network's k."""

    k: float
    n: float
    low: float
    high: float

    @property
    def share(self) -> float:
        """Return k / n."""
        return self.k / self.n


def alive(cell: Outcome) -> float:
    """Return the parameters that still reach input and output, as a share of the dense network's."""
    # Both counts are of one network, so that this stands on the axis of `size/density`.
    return cell.metric(names.DENSITY) * cell.metric(names.ALIVE) / (cell.metric(names.PARAMETERS) or math.nan)


def mean(cells: Sequence[Outcome], name: str) -> float:
    """Return the mean of a metric over cells, NaN without any."""
    return float(np.mean([cell.metric(name) for cell in cells])) if cells else math.nan


def auc(done: Sequence[Outcome]) -> Estimate | None:
    """Return the mean AUC of done cells of one entry and level, None without any."""
    return _estimate(done, aucs)


def sensitivity(done: Sequence[Outcome]) -> Estimate | None:
    """Return the mean share of the positives found at equal false alarms, None without any."""
    return _estimate(done, lambda labels, scores: equal_alarms(labels, scores, done[0].terms.fpr))


def _estimate(done: Sequence[Outcome], measure: Callable[[Labels, Floats], Measured]) -> Estimate | None:
    if not done:
        return None
    parts = [measure(labels, scores[None]) for labels, scores in map(stacked, by_part(done))]
    found = contrast(parts, [1.0])
    smaller = sum(min(one.size for one in part.classes) for part in parts)
    these = auc_interval(found.value, found.given_networks, smaller)
    method = None
    if len(done) >= FEWEST_NETWORKS:
        method = auc_interval(found.value, found.variance, smaller, freedom=found.freedom)
    each = np.concatenate([part.values[0] for part in parts])
    return Estimate(found.value, these, method, float(each.min()), float(each.max()))


def calibration(done: Sequence[Outcome]) -> tuple[Estimate, Estimate] | None:
    """Return the mean calibration slope and intercept, None where the images of a cell do not decide them."""
    parts = [calibrations(labels, scores[None]) for labels, scores in map(stacked, by_part(done))]
    if not parts or any(np.isnan(slopes.values).any() for slopes, _ in parts):
        return None
    slope, intercept = ([*own] for own in zip(*parts, strict=True))
    return _unbounded(slope, len(done)), _unbounded(intercept, len(done))


def _unbounded(parts: Sequence[Measured], networks: int) -> Estimate:
    """Return the mean of a figure that no interval [0, 1] holds."""
    found = contrast(parts, [1.0])
    each = np.concatenate([part.values[0] for part in parts])
    method = found.interval() if networks >= FEWEST_NETWORKS else None
    return Estimate(found.value, found.of_these_networks.interval(), method, float(each.min()), float(each.max()))


def rate(done: Sequence[Outcome], errors: str) -> Rate | None:
    """Return a count of errors of done cells over its class, ``fn/...`` or ``fp/...``; None where unknown."""
    images = names.POSITIVES if errors.startswith("fn/") else names.NEGATIVES
    k = n = 0.0
    for own in by_part(done):
        k, n = k + float(np.mean([one.tested(errors) for one in own])), n + own[0].tested(images)
    return None if not n or math.isnan(k) else Rate(k, n, *clopper_pearson(k, n))
