"""The terms of an answer: their ranges, and that numbers are taken as numbers."""

import pytest
from pydantic import ValidationError

from harness.evaluation.terms import Terms
from harness.storage.canonical import digest


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("fpr", value) for value in (0.0, 1.0, float("nan"), "0.3", True)),
        *(("delta", value) for value in (0.0, 0.5, -0.1)),
        *(("sensitivity", value) for value in (0.0, 1.0, 95)),
        *(("cost_ratio", value) for value in (0, -1.0, float("inf"), float("nan"))),
        ("margin", 0.1),
    ],
)
def test_what_is_no_term_is_refused(name, value):
    with pytest.raises(ValidationError):
        Terms(**{name: value})


def test_a_whole_number_is_the_same_term():
    assert digest(Terms(cost_ratio=20)) == digest(Terms(cost_ratio=20.0)) != digest(Terms())
