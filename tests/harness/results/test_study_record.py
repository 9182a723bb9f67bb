"""A study's record: the bytes that every harness has written, and what is read of old and new ones.

study.json beside this file was written before the record was typed: of its six trials the first was lost, the second is
the default, the fourth was pruned, and the last came after the budget of four.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.results.study_record import BestTrial, Budget, Choices, Interval, StudyRecord
from harness.results.trial_record import LevelResult, TrialRecord

WRITTEN = (Path(__file__).parent / "study.json").read_text()


@pytest.fixture
def record():
    return StudyRecord.from_json(json.loads(WRITTEN))


def test_a_record_is_written_byte_for_byte_as_it_was(record):
    assert json.dumps(record.to_json(), indent=1) == WRITTEN


def test_everything_in_it_is_read(record):
    assert (record.entry, record.tuned, record.method) == ("lt", "lt[criterion=distance,rate=0.2]", "lt")
    assert (record.objective, record.fpr_bound, record.by_auc) == ("fnr", 0.5, False)
    assert (record.seeds, record.densities) == ((1_000_000, 7), (1.0, 0.25))
    assert record.space["rate"] == Interval(0.2, 0.8, log=False, step=None)
    assert record.space["criterion"] == Choices(("magnitude-increase", "distance", "magnitude"))
    assert record.best == BestTrial(
        number=4, parameters={"rate": 0.2, "criterion": "distance"}, value=0.125, validation_auc=0.8125, feasible=True
    )
    assert (record.budget.finished, record.budget.lost, record.budget.pruned) == (4, 1, 1)
    assert [trial.state for trial in record.trials] == [
        "failed",
        "complete",
        "complete",
        "pruned",
        "complete",
        "complete",
    ]
    assert record.trials[2].levels[1].reason == "training diverged after 3 steps"


def test_the_trials_of_the_budget_the_default_and_the_winner_are_found(record):
    assert [trial.number for trial in record.counted] == [1, 2, 3, 4]
    assert record.default_trial == record.trials[1]
    assert record.best_trial == record.trials[4]
    assert replace(record, default_number=None).default_trial is None
    assert replace(record, default_number=5).default_trial is None  # beyond the budget
    assert replace(record, best=None).best_trial is None
    assert [trial.number for trial in replace(record, trials=record.trials[::-1]).counted] == [1, 2, 3, 4]


def test_what_changed_is_told_by_parameter(record):
    assert record.changes == {"rate": (0.75, 0.2), "criterion": ("magnitude-increase", "distance")}
    assert not record.kept
    same = replace(record, tuned="lt")
    assert (same.changes, same.kept) == ({}, True)
    nothing = replace(record, best=None, tuned=None)
    assert (nothing.choice, nothing.changes, nothing.kept) == ("lt", {}, False)
    gone = replace(record, best=replace(record.best, parameters={"rate": 0.75, "new": 1}))
    assert gone.changes == {"criterion": ("magnitude-increase", None), "new": (None, 1)}


def test_the_dense_networks_choice_is_a_schedule_and_no_other_entry(record):
    dense = replace(record, entry="dense", tuned="dense")
    assert (dense.dense, record.dense) == (True, False)
    assert dense.changes == record.changes


def test_a_record_that_lacks_later_keys_is_read_as_it_was_meant():
    old = json.loads(WRITTEN)
    del old["default_number"], old["fpr_bound"], old["best"]["feasible"]
    for trial in old["trials"]:
        del trial["counted"]
    old["trials"][0]["levels"] = [{"density": 0.5, "status": "diverged"}]
    found = StudyRecord.from_json(old)
    assert (found.default_number, found.fpr_bound, found.best.feasible) == (0, None, True)
    assert [trial.number for trial in found.counted] == [0, 1, 2, 3, 4, 5]
    assert found.trials[0].levels == (LevelResult(density=0.5, status="diverged"),)


def test_keys_that_a_newer_harness_writes_are_passed_over(record):
    new = json.loads(WRITTEN) | {"later": 1}
    for part in (new["best"], new["budget"], new["trials"][1], new["trials"][1]["levels"][0], new["space"]["rate"]):
        part["later"] = {"deep": []}
    assert StudyRecord.from_json(new) == record


@pytest.mark.parametrize("name", ["entry", "best", "budget", "trials", "space"])
def test_a_record_without_what_every_harness_wrote_is_an_error(name):
    with pytest.raises((KeyError, TypeError), match=name):
        StudyRecord.from_json({key: value for key, value in json.loads(WRITTEN).items() if key != name})


TEXT, NUMBER, SHARE = st.text(max_size=5), st.integers(0, 9), st.floats(0, 1)
VALUES = st.dictionaries(TEXT, st.booleans() | NUMBER | SHARE | TEXT, max_size=3)
LEVELS = st.builds(LevelResult, density=SHARE, status=TEXT, auc=st.none() | SHARE, fnr=st.none() | SHARE, reason=TEXT)
LISTED = st.lists(LEVELS, max_size=2).map(tuple)
COSTS = {"seconds": SHARE, "computed_seconds": SHARE}
TRIALS = st.builds(TrialRecord, parameters=VALUES, levels=LISTED, value=st.none() | SHARE, **COSTS)
SPACES = st.builds(Choices, st.lists(NUMBER | TEXT).map(tuple)) | st.builds(
    Interval, NUMBER | SHARE, NUMBER | SHARE, st.booleans(), st.none() | SHARE
)
RECORDS = st.builds(
    StudyRecord,
    fpr_bound=st.none() | SHARE,
    seeds=st.lists(NUMBER).map(tuple),
    densities=st.lists(SHARE).map(tuple),
    space=st.dictionaries(TEXT, SPACES, max_size=2),
    default=VALUES,
    default_number=st.none() | NUMBER,
    best=st.none() | st.builds(BestTrial, parameters=VALUES, value=SHARE, validation_auc=st.none() | SHARE),
    edges=st.lists(TEXT).map(tuple),
    budget=st.builds(Budget, **COSTS),
    trials=st.lists(TRIALS, max_size=2).map(tuple),
    importance=st.dictionaries(TEXT, SHARE, max_size=2),
    versions=st.dictionaries(TEXT, TEXT, max_size=2),
)


@given(RECORDS)
def test_every_record_comes_back_from_its_json(one):
    assert StudyRecord.from_json(json.loads(json.dumps(one.to_json()))) == one


@pytest.mark.parametrize(
    ("space", "words"),
    [
        (Choices(("layer", 2, True)), "layer | 2 | True"),
        (Interval(0.2, 0.8), "0.2 to 0.8"),
        (Interval(0.0005, 1.0, log=True), "0.0005 to 1, log"),
        (Interval(64, 512, step=64), "64 to 512, step 64"),
    ],
)
def test_a_space_in_words(space, words):
    assert space.words == words
