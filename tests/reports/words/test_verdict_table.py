import math
from dataclasses import replace

import pytest

from harness.evaluation.contrasts import Contrast
from harness.evaluation.safety import Answer, Judgement
from harness.evaluation.terms import Terms
from harness.evaluation.variances import CERTAIN
from harness.reports.analysis.verdicts import Deployed, Step, Verdict
from harness.reports.words.verdict_table import among, at_level, deciding, deployed, lost

Z = 1.6448536


def figure(value, half):
    """A contrast whose one-sided bounds lie half to both sides."""
    return Contrast(value, (half / Z) ** 2, CERTAIN, 0)


def step(density, answer, value=0.0, half=0.0, problem=""):
    return Step(density, Judgement(answer, figure(value, half), figure(0.5, 0)), problem=problem)


def walked(*steps):
    return Verdict("lt", "plain", False, Terms(), steps)


SAFE, LOSES = Answer.SAFE, Answer.LOSES


def test_safe_below_a_stop_is_not_called_so():
    found = walked(step(0.5, SAFE), step(0.25, LOSES, 0.3, 0.1), step(0.125, SAFE), step(0.06, LOSES, 0.3, 0.1))
    assert [at_level(found, one) for one in found.steps] == [
        "safe",
        "loses positives",
        "below a stop",
        "loses positives",
    ]


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (step(0.5, SAFE, 0.012, 0.03), "1.2 points lost, at most 4.2"),
        (step(0.5, SAFE, 0.01, 0), "1 point lost, at most 1"),
        (step(0.5, SAFE, -0.02, 0.05), "2 points more found, at most 3 lost"),
        (step(0.5, SAFE, -0.05, 0.02), "5 points more found, at least 3"),
        (step(0.5, SAFE, 0.0004, 0.05), "none lost, at most 5"),
        (step(0.5, LOSES, 0.2, 0.05), "20 points lost, at least 15"),
        (step(0.5, Answer.ANECDOTE, 0.2, 0.05), "20 points lost"),
        (step(0.5, Answer.UNDECIDED, 0.2, math.nan), "20 points lost"),
        (step(0.5, SAFE, problem="100% of the images have one and the same score"), "100% of the images"),
        (Step(0.5, None, problem="not run in seed 1"), "not run in seed 1"),
    ],
)
def test_a_loss_has_the_bound_that_decides(one, told):
    assert lost(one).startswith(told)
    assert ", at" in told or ", at" not in lost(one)


def test_the_deciding_level_is_the_last_safe_one_or_else_the_stop():
    safe, stop = step(0.5, SAFE), step(0.25, LOSES, 0.3, 0.1)
    assert deciding(walked(safe, stop)) is safe
    assert deciding(walked(stop, safe)) is stop
    assert deciding(walked(step(1.0, SAFE), stop)) is stop
    assert deciding(walked()) is None


def test_what_holds_for_one_entry_alone_says_what_is_left_among_all():
    # Upper bounds at 5% of one entry: 5 and 9 points; among 10 entries the half width grows by 2.576 / 1.645.
    found = walked(step(0.5, SAFE, 0, 0.05), step(0.25, SAFE, 0, 0.09))
    assert among(found, 1) == ""
    assert among(found, 10) == "by itself; among all 10: safe to 50%"
    assert among(walked(step(0.25, SAFE, 0, 0.09)), 10) == "by itself; among all 10: not shown"


def test_the_deployed_check_has_both_rates_and_whether_they_hold():
    one = step(0.5, SAFE)
    checked = replace(one, deployed=Deployed(figure(0.012, 0.03), figure(-0.02, 0.02), True))
    assert (
        deployed(checked) == "within the margin: missed +1.2, at most +4.2; false alarms \N{MINUS SIGN}2.0, at most 0"
    )
    missed = replace(one, deployed=Deployed(figure(0, 0.2), figure(0, 0.2), False))
    assert deployed(missed) == "not shown within the margin: missed 0, at most +20.0; false alarms 0, at most +20.0"
    assert deployed(one) == deployed(None) == ""
