import math

import numpy as np
import pytest

from harness.errors import DataError
from harness.evaluation.metrics import Confusion, confusion


def test_the_decision_is_strictly_above_the_threshold():
    assert confusion(np.array([1, 0]), np.array([0.0, 0.0]), 0.0) == Confusion(fn=1, fp=0, p=1, n=1)


def test_float32_scores_are_cut_where_float64_says():
    scores = np.array([0.1, 0.2], dtype=np.float32)
    just_below = float(np.nextafter(np.float64(scores[0]), -np.inf))
    assert confusion(np.array([1, 0]), scores, just_below).fn == 0


def test_rates_are_shares_of_their_own_class():
    counts = Confusion(fn=15, fp=38, p=75, n=304)
    assert (counts.fnr, counts.fpr) == (0.2, 0.125)


@pytest.mark.parametrize(
    ("labels", "scores", "complaint"),
    [
        ([0, 0, 0], [1.0, 2.0, 3.0], "positive"),
        ([1, 1], [1.0, 2.0], "negative"),
        ([0, 1], [1.0, math.nan], "finite"),
        ([0, 1], [1.0, math.inf], "finite"),
        ([0, 2], [1.0, 2.0], "0 or 1"),
        ([0, 1], [1.0], "one length"),
    ],
)
def test_what_cannot_be_counted_is_refused(labels, scores, complaint):
    with pytest.raises(DataError, match=complaint):
        confusion(np.array(labels), np.array(scores), 0.0)
