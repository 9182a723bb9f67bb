"""The mean ROC curve of an entry's networks: what it finds at each share of false alarms."""

from collections.abc import Sequence

import numpy as np

from harness.evaluation.equal_alarms import called, cut_at
from harness.reports.analysis.design import by_part
from harness.reports.analysis.outcomes import Outcome
from harness.reports.analysis.stacked import stacked

GRID = tuple(step / 100 for step in (*range(6), 7, 10, 15, 20, 25, *range(30, 101, 10)))
"""False alarms, a share of the negatives: fine where a cut would be chosen."""


def mean_roc(done: Sequence[Outcome]) -> tuple[float, ...]:
    """Return the share of the positives found at each share of `GRID`, of a fold first; nothing without any.

    Networks are averaged at equal false alarms, as the sensitivity is. Source: Fawcett (2006), "An introduction to ROC
    analysis", section 8.2, vertical averaging.
    """
    folds = []
    for own in by_part(done):
        labels, scores = stacked(own)
        positives, negatives = scores[:, labels == 1], scores[:, labels != 1]
        folds.append([called(positives, cut_at(negatives, share)).mean() for share in GRID[:-1]])
    return (*map(float, np.mean(folds, axis=0)), 1.0) if folds else ()
