"""Answers in words: at most three in a table, and a reason with every one."""

import pytest

from harness.evaluation.contrasts import Contrast
from harness.evaluation.safety import Answer, Judgement, Needed
from harness.evaluation.terms import Terms
from harness.evaluation.variances import CERTAIN
from harness.reports.analysis.estimates import Rate
from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.analysis.verdicts import Deployed, Step, Verdict
from harness.reports.words.verdicts import BRIEF, NO_VERDICT, asked, brief, needed, of, verdict, why

TERMS = Terms()


@pytest.mark.parametrize(("k", "text"), [(3.0, "3/30"), (6.5, "6.5/30")])
def test_a_rate_is_never_without_its_counts(k, text):
    assert of(Rate(k, 30.0, 0.0, 1.0)) == text


def between(value, lower, upper):
    """A contrast with these one-sided 95 % bounds, as far as they lie symmetrically."""
    error = (upper - lower) / 2 / 1.6448536
    assert value == pytest.approx((upper + lower) / 2)
    return Contrast(value, error**2, CERTAIN, error**2)


LOSS, LIFT = between(0.02, -0.03, 0.07), between(0.5, 0.4, 0.6)


def step(answer, loss=LOSS, lift=LIFT, needs=None, density=0.5, **more):
    return Step(density, Judgement(answer, loss, lift, needs), **more)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (step(Answer.ANECDOTE), "fewer than 3 networks: what another training would give is not known"),
        (step(Answer.LOSES, between(0.2, 0.01, 0.39)), "loses 20 points, at least 1 point"),
        (step(Answer.SAFE), "loses 2 points, at most 7 points"),
        (step(Answer.SAFE, between(0.05, 0.02, 0.08)), "loses 5 points, at most 8 points, and a loss is shown"),
        (step(Answer.SAFE, between(0.0004, -0.05, 0.0508)), "loses nothing, at most 5.1 points"),
        (step(Answer.SAFE, between(-0.0004, -0.05, 0.0492)), "loses nothing, at most 4.9 points"),
        (step(Answer.SAFE, between(-0.02, -0.07, 0.03)), "finds 2 points more, or loses at most 3 points"),
        (step(Answer.SAFE, between(-0.05, -0.09, -0.01)), "finds 5 points more, at least 1 point"),
        (
            step(Answer.UNDECIDED, between(0.05, -0.02, 0.12), needs=Needed(1400, 7)),
            "loses 5 points, at most 12 points: about 1,400 positives or 7 networks would decide",
        ),
        (
            step(Answer.TOO_WEAK, lift=between(0.05, -0.03, 0.13)),
            "the dense network finds 5 points more than guessing, at most 13 points more: 20 points are needed where "
            "10 points may be lost",
        ),
        (
            step(Answer.TOO_WEAK, lift=between(-0.05, -0.15, 0.05)),
            "the dense network finds 5 points fewer than guessing, at most 5 points more: 20 points are needed where "
            "10 points may be lost",
        ),
        (
            step(Answer.NOT_SHOWN_STRONG, lift=between(0.22, 0.14, 0.3)),
            "the dense network finds 22 points more than guessing, of which 14 points are shown: 20 points are needed "
            "where 10 points may be lost",
        ),
        (
            step(Answer.NOT_SHOWN_STRONG, lift=between(0.2, -0.1, 0.5)),
            "the dense network finds 20 points more than guessing, of which none are shown: 20 points are needed where "
            "10 points may be lost",
        ),
        (step(Answer.SAFE, problem="every image is called"), "every image is called"),
        (Step(0.5, None, problem="not run in seed 1"), "not run in seed 1"),
    ],
)
def test_every_answer_has_its_reason_in_points(found, reason):
    assert why(found, TERMS) == reason


def test_a_variance_that_nobody_knows_gives_no_number():
    unknown = Contrast(0.02, float("nan"), 0.0, float("nan"))
    found = step(Answer.NOT_SHOWN_STRONG, unknown, Contrast(0.5, float("nan"), 0.0, float("nan")))
    assert "of which none are shown" in why(found, TERMS)
    assert "nan" not in why(step(Answer.UNDECIDED, unknown), TERMS)
    assert "inf" not in why(step(Answer.UNDECIDED, unknown), TERMS)


def test_the_deployed_check_stands_behind_the_answer():
    missed, alarms = between(-0.01, -0.06, 0.04), between(0.2, 0.1, 0.3)
    found = step(Answer.SAFE, deployed=Deployed(missed, alarms, within=False))
    assert why(found, TERMS) == (
        "loses 2 points, at most 7 points; deployed: misses fall by 1 point (or rise by at most 4 points) and false "
        "alarms rise by 20 points (at most 30 points): not shown to be within the margin"
    )
    fewer = between(-0.05, -0.09, -0.01)
    assert why(step(Answer.SAFE, deployed=Deployed(alarms, fewer, within=True)), TERMS).endswith(
        "and false alarms fall by 5 points (at least 1 point): within the margin"
    )


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (None, "no number of positives decides with so few networks"),
        (Needed(None, None), "no number of positives decides with so few networks"),
        (Needed(1, None), "about 1 positive would decide"),
        (Needed(12345, None), "about 12,345 positives would decide"),
        (Needed(None, 1), "1 network would decide"),
        (Needed(300, 8), "about 300 positives or 8 networks would decide"),
    ],
)
def test_what_would_decide(found, text):
    assert needed(found) == text


def test_every_answer_has_at_most_three_words():
    assert set(BRIEF) == set(Answer)
    assert all(len(text.split()) <= 3 for text in (*BRIEF.values(), NO_VERDICT))
    assert len(set(BRIEF.values()) | {NO_VERDICT}) == len(BRIEF) + 1


def walk(*steps):
    return Verdict("lt", "plain", False, TERMS, steps)


SAFE = step(Answer.SAFE)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (walk(SAFE, step(Answer.SAFE, density=0.015625)), "safe to 1.56%"),
        (walk(SAFE, step(Answer.LOSES, density=0.25), step(Answer.SAFE, density=0.125)), "safe to 50%"),
        (walk(step(Answer.LOSES)), "loses positives"),
        (walk(step(Answer.UNDECIDED)), "undecided"),
        (walk(step(Answer.TOO_WEAK)), "dense too weak"),
        (walk(step(Answer.NOT_SHOWN_STRONG)), "dense not strong"),
        (walk(step(Answer.ANECDOTE)), "anecdote"),
        (walk(step(Answer.SAFE, problem="every image is called positive at the deployed cut")), "no verdict"),
        (walk(Step(0.5, None, problem="not run in seed 1"), step(Answer.SAFE, density=0.25)), "no verdict"),
        (walk(step(Answer.SAFE, density=1.0)), "not pruned"),
        (walk(), "not pruned"),
    ],
)
def test_an_entry_is_safe_down_to_a_level_or_says_what_ended_its_walk(found, text):
    assert verdict(found) == text
    assert len(text.split()) <= 3


def test_a_level_of_its_own_has_its_own_answer():
    found = walk(SAFE, step(Answer.LOSES, density=0.25), step(Answer.SAFE, density=0.125))
    assert [brief(one) for one in found.steps] == ["safe", "loses positives", "safe"]


def test_an_entry_that_was_only_trained_dense_is_not_pruned(trial):
    made = trial().entry("dense", 1.0, 12)
    for seed in (0, 1, 2):
        made.network("lt", 1.0, seed, made.scored(12, "dense", 1.0, seed, 0))
    (board,) = leaderboard(made.results())
    assert [verdict(one) for one in board.verdicts] == ["not pruned"]


def test_it_says_by_what_it_was_judged():
    assert asked(TERMS) == (
        "Judged where every network calls 30% of the negatives positive; a loss of 10 points of the positives is too "
        "large. The deployed cut keeps 90% of the validation positives. One missed positive costs as much as 10 false "
        "alarms."
    )
    other = asked(Terms(fpr=0.125, delta=0.01, sensitivity=0.975, cost_ratio=1.0))
    for told in ("12.5% of the negatives", "a loss of 1 point of", "keeps 97.5% of", "as much as 1 false alarm."):
        assert told in other
