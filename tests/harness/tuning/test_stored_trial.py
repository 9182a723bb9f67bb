"""What is told of a trial, by what the database holds of it."""

import pytest

from harness.results.trial_record import LevelResult
from harness.tuning.metered_store import Spent
from harness.tuning.objective import Objective
from harness.tuning.stored_trial import StoredTrial, written_outcome

AUC, BOUND = Objective(name="auc"), Objective(name="fnr", fpr_bound=0.5)
LEVELS = [
    LevelResult(density=1.0, status="done", auc=0.75, fnr=0.25, fpr=0.5),
    LevelResult(density=0.5, status="diverged", reason="training diverged"),
]


def stored(state, written=(), value=None, constraints=()):
    return StoredTrial(
        number=3,
        state=state,
        value=value,
        suggested={"x": 0.123456},
        queued={},
        constraints=dict(constraints),
        written=dict(written),
    )


def rounded(values):
    return {name: round(value, 2) for name, value in values.items()}


def test_what_is_written_of_an_outcome_is_read_back():
    one = stored("complete", {"outcome": written_outcome(LEVELS, Spent(9, 2.0, 0.5)) | {"mean": 0.625}}, value=0.25)
    record = one.record(rounded, AUC)
    assert record.levels == tuple(LEVELS)
    assert (record.steps, record.seconds, record.computed_seconds) == (9, 2.0, 0.5)
    assert record.value == 0.625  # a pruned trial's value in the database counts levels that it never reached


@pytest.mark.parametrize(
    ("state", "counted"),
    [("complete", True), ("pruned", True), ("failed", False), ("running", False), ("waiting", False)],
)
def test_a_trial_counts_once_it_has_ended_with_a_value_or_was_tried_too_often(state, counted):
    assert stored(state, value=0.5).record(rounded, AUC).counted == counted
    assert stored(state, {"counted": True}, value=0.5).record(rounded, AUC).counted
    assert (stored(state, value=0.5).record(rounded, AUC).value is not None) == counted


def test_what_was_claimed_is_what_was_tried():
    assert stored("running").record(rounded, AUC).parameters == {"x": 0.12}
    assert stored("running", {"claim": {"values": {"x": 0.5}}}).record(rounded, AUC).parameters == {"x": 0.5}


def test_a_bound_is_kept_where_no_excess_is_above_zero():
    def feasible(state, excess, objective=BOUND):
        return stored(state, value=0.5, constraints={"fpr": excess}).record(rounded, objective).feasible

    assert [feasible("complete", excess) for excess in (-0.1, 0.0, 0.1)] == [True, True, False]
    assert feasible("running", 0.1) is None
    assert feasible("complete", 0.1, AUC) is None
