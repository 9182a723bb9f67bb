"""Contrasts of mean AUCs of entries that have the same networks."""

from collections.abc import Sequence

import numpy as np

from harness.evaluation.auc import aucs
from harness.evaluation.contrasts import Contrast, Measured, contrast
from harness.reports.analysis.design import by_part
from harness.reports.analysis.outcomes import Outcome

Entries = Sequence[Sequence[Outcome]]
"""Done cells of each entry, of the same networks (fold, seed)."""


def auc_contrast(entries: Entries, weights: Sequence[float]) -> Contrast:
    """Return the contrast of mean test AUCs by ``weights``, one an entry."""
    return contrast(_measured(entries), weights)


def mean_auc_of(own: Sequence[Outcome]) -> float:
    """Return the mean test AUC of one entry's done cells, of a fold first."""
    return float(np.mean([part.values.mean() for part in _measured([own])]))


def _measured(entries: Entries) -> list[Measured]:
    found = []
    for own in zip(*(by_part(entry) for entry in entries), strict=True):
        labels = own[0][0].labels
        assert labels is not None
        scores = [np.stack([one.scores for one in cells if one.scores is not None]) for cells in own]
        found.append(aucs(labels, np.stack(scores)))
    return found
