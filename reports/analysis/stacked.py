"""The scores of the networks of one entry on one test part as one array."""

from collections.abc import Sequence

import numpy as np

from harness.evaluation.metrics import Labels
from harness.evaluation.variances import Floats
from harness.reports.analysis.outcomes import Outcome


def stacked(own: Sequence[Outcome]) -> tuple[Labels, Floats]:
    """Return the labels (n,) and the scores (J, n) of done cells on the same images."""
    labels = own[0].labels
    assert labels is not None
    return labels, np.stack([one.scores for one in own if one.scores is not None])
