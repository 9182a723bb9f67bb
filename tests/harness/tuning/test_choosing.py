"""Which trial is chosen, against the rule in pairs: a trial is the best where no other is to be preferred to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.results.trial_record import LevelResult, TrialRecord
from harness.tuning.choosing import best_of, budgeted, settled
from harness.tuning.objective import Objective

NOBODY = {"never": "tried"}
OBJECTIVES = [Objective(name="auc"), Objective(name="fnr"), Objective(name="fnr", fpr_bound=0.5)]


def level(auc=0.5, fnr=0.5, fpr=0.5, status="done", density=0.5):
    if status != "done":
        return LevelResult(density=density, status=status, reason="it broke")
    return LevelResult(density=density, status=status, auc=auc, fnr=fnr, fpr=fpr)


def record(number, state="complete", *, counted=True, value=0.5, feasible=None, levels=None, **parameters):
    return TrialRecord(
        number=number,
        state=state,
        counted=counted,
        value=value,
        feasible=feasible,
        parameters=parameters,
        levels=(level(),) if levels is None else tuple(levels),
        steps=3,
        seconds=2.0,
        computed_seconds=1.0,
        reason="",
    )


FEW = st.sampled_from([0.2, 0.4, 0.6])  # few values, so that ties are common
SOME_LEVELS = st.lists(st.builds(level, fpr=FEW, status=st.sampled_from(["done", "done", "failed"])), max_size=2)
DRAWN = st.tuples(
    st.sampled_from(["complete", "complete", "complete", "pruned", "failed", "running", "waiting"]),
    st.booleans(),
    FEW,
    st.booleans(),
    SOME_LEVELS,
)


def made(drawn, objective):
    records = []
    for number, (state, counted, value, feasible, levels) in enumerate(drawn):
        records.append(
            record(
                number,
                state,
                counted=counted,
                value=value if state in ("complete", "pruned") else None,
                feasible=None if objective.fpr_bound is None else feasible,
                levels=levels,
            )
        )
    return records


def fpr_of(one):
    found = [1.0 if each.fpr is None else each.fpr for each in one.levels]
    return sum(found) / len(found)


def preferred(one, other, objective):
    """Whether one trial goes before another: by the rule in words, a sentence a line."""
    if objective.fpr_bound is not None:
        if one.feasible != other.feasible:
            return one.feasible
        if not one.feasible and fpr_of(one) != fpr_of(other):
            return fpr_of(one) < fpr_of(other)
    if (objective.fpr_bound is None or one.feasible) and one.value != other.value:
        return one.value > other.value if objective.name == "auc" else one.value < other.value
    if objective.fpr_bound is not None and fpr_of(one) != fpr_of(other):
        return fpr_of(one) < fpr_of(other)
    return one.number < other.number


@given(st.lists(DRAWN, max_size=8), st.sampled_from(OBJECTIVES), st.randoms())
def test_the_best_is_the_complete_trial_that_no_other_is_preferred_to(drawn, objective, chance):
    records = made(drawn, objective)
    usable = [one for one in records if one.state == "complete" and "done" in {each.status for each in one.levels}]
    expected = [one for one in usable if not any(preferred(other, one, objective) for other in usable)]
    chance.shuffle(records)  # the rule is by number, not by place
    assert len(expected) == min(len(usable), 1)
    assert best_of(records, objective, NOBODY) == (expected[0] if expected else None)


@pytest.mark.parametrize("state", ["pruned", "failed", "running", "waiting"])
def test_a_trial_that_did_not_end_is_never_the_best(state):
    assert best_of([record(0, state, value=0.99), record(1, value=0.1)], Objective(name="auc"), NOBODY).number == 1
    assert best_of([record(0, state, value=0.99)], Objective(name="auc"), NOBODY) is None


def test_a_trial_without_any_network_is_never_the_best():
    nothing = record(0, value=0.5, levels=[level(status="failed")] * 2)
    some = record(1, value=0.3, levels=[level(auc=0.1), level(status="failed")])
    assert best_of([nothing, some], Objective(name="auc"), NOBODY).number == 1
    assert best_of([nothing], Objective(name="auc"), NOBODY) is None


def test_of_equal_trials_the_default_is_the_best_however_late_it_was_tried_again():
    tried = [record(0, x=1), record(1, x=2), record(7, x=5)]
    assert best_of(tried, Objective(name="auc"), {"x": 5}).number == 7
    better = record(8, value=0.6, x=3)
    assert best_of([*tried, better], Objective(name="auc"), {"x": 5}).number == 8


def test_a_collapsed_level_is_no_miss_that_was_avoided():
    collapsed = LevelResult(density=0.5, status="done", collapsed=True, auc=0.5, fnr=0.0, fpr=1.0)
    assert Objective(name="fnr", fpr_bound=0.5).value([collapsed, level(fnr=0.05)]) == pytest.approx(0.525)
    assert record(0, levels=[collapsed]).mean_fpr == 1.0


def test_of_equal_trials_the_earlier_one_is_the_best():
    assert best_of([record(5), record(2), record(3)], Objective(name="auc"), NOBODY).number == 2


def test_a_trial_within_the_bound_goes_before_a_better_one_outside():
    bound = Objective(name="fnr", fpr_bound=0.5)
    over = record(0, value=0.0, feasible=False, levels=[level(fnr=0.0, fpr=0.9)])
    within = record(1, value=0.4, feasible=True, levels=[level(fnr=0.4, fpr=0.4)])
    assert best_of([over, within], bound, NOBODY).number == 1
    nearer = record(2, value=0.9, feasible=False, levels=[level(fnr=0.9, fpr=0.6)])
    assert best_of([over, nearer], bound, NOBODY).number == 2


@given(st.lists(DRAWN, max_size=8), st.integers(1, 6))
def test_the_budget_is_filled_by_the_first_trials_that_count(drawn, budget):
    records = made(drawn, OBJECTIVES[0])
    expected = []
    for one in records:
        if one.counted and len(expected) < budget:
            expected.append(one)
    assert budgeted(records, budget) == expected


def test_a_study_is_settled_when_its_budget_is_full_and_no_earlier_trial_still_runs():
    done = [record(0), record(1, "failed", counted=False), record(2)]
    assert settled(done, 2)
    assert not settled(done, 3)
    late = [*done, record(3, "running", counted=False), record(4)]
    assert settled(late, 2)
    assert not settled(late, 3)
    assert not settled([record(0, "running", counted=False), record(1)], 1)
