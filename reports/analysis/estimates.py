"""What was measured over the seeds of one entry at one level, with its interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.evaluation.auc import auc_interval, mean_auc
from harness.evaluation.proportions import clopper_pearson
from harness.reports.analysis.outcomes import Outcome, labels_of, scores_of
from harness.results import names


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval over test images, and the seeds' range."""

    value: float
    low: float
    high: float
    least: float
    most: float


@dataclass(frozen=True)
class Rate:
    """``k`` of ``n`` images (mean over seeds) with the 95 % interval of one network with that many."""

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


def auc(cells: Sequence[Outcome]) -> Estimate | None:
    """Return the mean AUC of done cells on the same images, None without any."""
    if not cells:
        return None
    labels, scores = labels_of(cells), scores_of(cells)
    value, variance = mean_auc(labels, scores)
    each = [mean_auc(labels, one[None])[0] for one in scores]
    positives = int(labels.sum())
    low, high = auc_interval(value, variance, min(positives, labels.size - positives))
    return Estimate(value, low, high, min(each), max(each))


def rate(cells: Sequence[Outcome], name: str) -> Rate | None:
    """Return the mean count ``name`` ("fn/sens95", ...) of done cells over its class, None where unknown."""
    k, n = mean(cells, names.on(names.TEST, name)), mean(cells, _class_of(name))
    return None if math.isnan(k) or math.isnan(n) else Rate(k, n, *clopper_pearson(k, n))


def cell_rate(cell: Outcome, name: str) -> float:
    """Return the count ``name`` of one done cell over its class."""
    return cell.metric(names.on(names.TEST, name)) / cell.metric(_class_of(name))


def _class_of(count: str) -> str:
    return names.on(names.TEST, names.POSITIVES if count.startswith("fn/") else names.NEGATIVES)
