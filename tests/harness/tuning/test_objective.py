"""The objective against means by hand; a level without a network counts as one that tells nothing apart."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.results.trial_record import LevelResult
from harness.tuning.objective import Objective

SHARES = st.floats(0, 1)
DONE = st.builds(
    LevelResult,
    density=st.just(0.5),
    status=st.just("done"),
    auc=SHARES,
    fnr=SHARES,
    fpr=SHARES,
    collapsed=st.booleans(),
)
MISSING = st.builds(LevelResult, density=st.just(0.5), status=st.sampled_from(["failed", "skipped", "unreachable"]))
LEVELS = st.lists(DONE | MISSING, min_size=1, max_size=7)
OBJECTIVES = st.sampled_from([Objective(name="auc"), Objective(name="fnr"), Objective(name="fnr", fpr_bound=0.5)])


def counted(objective, level):
    """What one level counts, written out."""
    if level.status == "done" and objective.name == "auc":
        return level.auc
    if level.status == "done" and not level.collapsed:
        return level.fnr
    return 0.5 if objective.name == "auc" else 1.0


@given(OBJECTIVES, LEVELS)
def test_the_value_is_the_mean_over_the_levels(objective, levels):
    total = 0.0
    for level in levels:
        total += counted(objective, level)
    assert objective.value(levels) == pytest.approx(total / len(levels), abs=1e-12)


@given(OBJECTIVES, LEVELS)
def test_a_trial_so_far_is_one_whose_other_levels_are_the_worst(objective, levels):
    worst = LevelResult(density=0.1, status="done", auc=0.0, fnr=1.0, fpr=1.0)
    reported = [objective.so_far(levels[:count], len(levels)) for count in range(1, len(levels) + 1)]
    for count, value in enumerate(reported, 1):
        filled = [*levels[:count], *[worst] * (len(levels) - count)]
        assert value == pytest.approx(objective.value(filled), abs=1e-12)
    assert reported[-1] == pytest.approx(objective.value(levels), abs=1e-12)
    for before, after in itertools.pairwise(reported):
        assert after == pytest.approx(before, abs=1e-12) or objective.better(after, before)


@given(LEVELS, st.floats(0.01, 0.99))
def test_the_excess_is_the_mean_fpr_over_its_bound(levels, bound):
    found = [level.fpr if level.status == "done" and not level.collapsed else 1.0 for level in levels]
    excess = Objective(name="fnr", fpr_bound=bound).excess(levels)
    assert excess == pytest.approx(sum(found) / len(found) - bound, abs=1e-12)


@pytest.mark.parametrize("objective", [Objective(name="auc"), Objective(name="fnr")])
def test_without_a_bound_there_is_no_excess(objective):
    assert objective.excess([LevelResult(density=1.0, status="failed")]) is None


def test_a_bound_that_is_met_exactly_is_kept():
    level = LevelResult(density=1.0, status="done", auc=0.7, fnr=0.1, fpr=0.5)
    assert Objective(name="fnr", fpr_bound=0.5).excess([level]) == 0.0


@pytest.mark.parametrize(
    ("name", "direction", "good", "bad"), [("auc", "maximize", 0.9, 0.1), ("fnr", "minimize", 0.1, 0.9)]
)
def test_a_higher_auc_and_a_lower_fnr_are_better(name, direction, good, bad):
    objective = Objective(name=name)
    assert objective.direction == direction
    assert objective.better(good, bad)
    assert not objective.better(bad, good)
    assert not objective.better(good, good)


@pytest.mark.parametrize(("name", "value"), [("auc", 0.5), ("fnr", 1.0)])
def test_a_trial_without_any_network_is_no_better_than_chance(name, value):
    levels = [LevelResult(density=density, status="failed", reason="it broke") for density in (1.0, 0.5)]
    assert Objective(name=name).value(levels) == value
