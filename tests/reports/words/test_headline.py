"""The first sentences of a page: an answer, or silence and why."""

import pytest

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.words.headline import answer, networks, tells_apart

pytestmark = pytest.mark.usefixtures("uncounted")


def board_of(made, **facts):
    (board,) = leaderboard(made.results(**facts))
    return board


def answered(made, **facts):
    return answer(board_of(made, **facts))


SMALL = {"positives": 60, "negatives": 60}


@pytest.fixture
def whole(trial):
    """Three seeds of 5 folds: what loses next to nothing is safe, whoever else is looked at."""
    return trial(folds=5, positives=120, negatives=60).entry("dense", 1.0, 12, spread=1)


def test_safe_networks_are_named_the_smallest_first(whole):
    for name, levels in (("a", (0.5, 0.25)), ("b", (0.5, 0.25)), ("c", (0.5,))):
        for level in levels:
            whole.entry(name, level, 12, spread=1)
    assert answered(whole) == ["Safe: “a” and “b” down to 25%; “c” down to 50%."]


def test_more_than_three_are_counted_and_the_others_told_by_what_ended_them(whole):
    for name in "abcde":
        whole.entry(name, 0.5, 12, spread=1)
    whole.entry("loser", 0.5, 60, spread=1)
    assert answered(whole) == ["Safe: “a”, “b”, “c” and 2 more down to 50%.", "Of the others, 1 loses positives."]
    whole.entry("worse", 0.5, 70, spread=1).entry("gone", 0.5, 12, folds=(1, 2))
    assert answered(whole)[-1] == "Of the others, 2 lose positives and 1 has no verdict."


@pytest.mark.parametrize(
    ("controls", "first"),
    [
        ({"random": 0.5}, "A control passes: “random” down to 50%."),
        ({"random": 0.25, "scratch": 0.5}, "Controls pass: “random” down to 25%; “scratch” down to 50%."),
    ],
)
def test_a_control_that_passes_is_said_first_and_not_named_again(whole, controls, first):
    whole.entry("lt", 0.5, 12, spread=1)
    for name, density in controls.items():
        for level in {0.5, density}:
            whole.entry(name, level, 12, spread=1, control=True)
    said = answered(whole)
    assert said == [
        f"{first} So far down it is not shown that a method's choice of weights matters.",
        "Safe: “lt” down to 50%.",
    ]


def test_a_control_alone_is_no_answer_of_a_method(whole):
    whole.entry("random", 0.5, 12, spread=1, control=True)
    assert len(answered(whole)) == 1
    assert answered(whole)[0].startswith("A control passes: “random”")
    whole.entry("lt", 0.5, 60, spread=1)
    assert answered(whole)[1:] == ["No entry is shown to be safe below dense: 1 loses positives."]


def test_a_control_that_does_not_pass_is_an_entry_like_others(whole):
    whole.entry("random", 0.5, 60, spread=1, control=True)
    assert answered(whole) == ["No entry is shown to be safe below dense: 1 loses positives."]


def test_what_is_safe_by_itself_and_not_among_all_is_a_candidate(trial):
    """At 95 % its bound is below the margin, at 1 - .05 / 4 it is above."""
    made = trial().entry("dense", 1.0, 12).entry("lt", 0.5, 18)
    for number, name in enumerate(("x", "y", "z")):
        made.entry(name, 0.5, 80 + 10 * number)
    (step,) = next(one for one in board_of(made).verdicts if one.entry == "lt").steps
    assert step.judgement.loss.upper(0.95) < 0.1 <= step.judgement.loss.upper(1 - 0.05 / 4)
    assert answered(made) == [
        "None is shown to be safe when 4 entries are looked at.",
        "Candidates, each safe when looked at alone: “lt” down to 50%.",
        "Of the others, 3 lose positives.",
    ]


def test_one_entry_alone_is_never_a_candidate(trial):
    made = trial().entry("dense", 1.0, 12).entry("lt", 0.5, 12)
    assert answered(made) == ["Safe: “lt” down to 50%."]


@pytest.mark.parametrize(
    ("dense", "known", "bound"),
    [
        (72, "is too weak", "finds 10 points more than guessing, at most"),
        ((52, 58, 62), "is not shown to be strong enough", "finds 22.2 points more than guessing, of which"),
    ],
)
def test_a_weak_dense_network_is_the_answer_and_who_loses_all_the_same_is_named(trial, dense, known, bound):
    made = trial().entry("dense", 1.0, dense).entry("alike", 0.5, dense).entry("poor", 0.5, 110)
    first, second, third = answered(made)
    assert first == f"This run cannot tell: the dense network {known} for a loss of 10 points to show."
    assert second.startswith(f"Where 30% of the negatives are called, the dense network {bound}")
    assert second.endswith(": 20 points are needed where 10 points may be lost.")
    assert third == "Shown to lose positives at its first level: “poor”."
    made.entry("poorer", 0.5, 115)
    assert answered(made)[2] == "Shown to lose positives at their first level: “poor” and “poorer”."


def test_the_undecided_say_what_would_decide(trial):
    made = trial(positives=40, negatives=40).entry("dense", 1.0, 4)
    for name in ("a", "b"):
        made.entry(name, 0.5, 5)
    first, second = answered(made)
    assert first == "No entry is shown to be safe below dense: 2 are undecided."
    needs = [step.judgement.needed.positives for one in board_of(made).verdicts for step in one.steps]
    assert second == f"About {min(needs):,} positives would decide the nearest case."


def test_where_nothing_would_decide_it_says_so(trial):
    made = trial().entry("dense", 1.0, 12).entry("lt", 0.5, (0, 17, 35))
    assert answered(made)[0] == "No entry is shown to be safe below dense: 1 is undecided."
    (step,) = board_of(made).verdicts[0].steps
    assert step.judgement.needed.positives is None
    assert answered(made)[1].startswith("Of the undecided, ")


@pytest.mark.parametrize(("seeds", "told"), [((0,), "one run is an anecdote"), ((0, 1), "two runs are anecdotes")])
def test_below_three_networks_there_is_no_verdict(trial, seeds, told):
    made = trial().entry("dense", 1.0, 12, seeds=seeds).entry("lt", 0.5, 12, seeds=seeds)
    made.entry("random", 0.5, 12, seeds=seeds, control=True).entry("poor", 0.5, 110, seeds=seeds)
    assert answered(made) == [f"No verdict: {told}. At least 3 networks are needed, seeds or folds."]


def test_a_dense_network_that_is_not_whole_leaves_no_verdict(trial):
    made = trial().entry("dense", 1.0, 12).entry("lt", 0.5, 12).lose("dense", seed=1)
    assert answered(made) == ["No verdict: the dense network is not whole (not run in seed 1)."]
    made.network("dense", 1.0, 1, None, status="diverged", reason="loss became NaN")
    assert answered(made) == ["No verdict: the dense network is not whole (diverged in seed 1)."]


def test_entries_with_missing_networks_have_no_verdict(trial):
    made = trial().entry("dense", 1.0, 12).entry("lt", 0.5, 12).entry("snip", 0.5, 12)
    made.lose("lt", seed=0).lose("snip", seed=1)
    assert answered(made) == ["No entry is shown to be safe below dense: 2 have no verdict."]


def test_without_anything_pruned_there_is_no_answer(trial):
    made = trial().entry("dense", 1.0, 12)
    assert answered(made) == ["Nothing was pruned yet."]
    made.entry("lt", 1.0, 14)
    assert answered(made) == ["Nothing was pruned yet."]


@pytest.mark.parametrize(
    ("folds", "seeds", "text"),
    [(0, (0,), "1 seed"), (0, (0, 1, 2), "3 seeds"), (5, (0,), "5 folds of 1 seed"), (2, (0, 1), "2 folds of 2 seeds")],
)
def test_networks_are_seeds_or_folds_of_them(trial, folds, seeds, text):
    board = board_of(trial(folds=folds, **SMALL).entry("dense", 1.0, 6, seeds=seeds))
    assert networks(board) == text
    assert tells_apart(board).startswith(f"{text}, {60 * max(folds, 1)} tested positives: ")


def test_what_can_be_told_apart_is_a_gap_of_auc_or_why_it_is_not_known(trial):
    made = trial().entry("dense", 1.0, 12).entry("a", 0.5, 12).entry("b", 0.5, 20)
    board = board_of(made)
    among = f"among 2 entries this run tells gaps of {board.resolution:.3f} AUC apart."
    assert tells_apart(board) == f"3 seeds, 120 tested positives: {among}"
    unknown = "3 seeds, 120 tested positives: what this run can tell apart is not known, since"
    whole = "no level has two entries with all their networks."
    assert tells_apart(board_of(made.lose("b", seed=1))) == f"{unknown} {whole}"
    once = trial().entry("dense", 1.0, 12, seeds=(0,)).entry("a", 0.5, 12, seeds=(0,)).entry("b", 0.5, 9, seeds=(0,))
    assert tells_apart(board_of(once)).endswith("not known, since no network was trained twice.")
