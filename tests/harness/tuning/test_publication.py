"""The runs that MLflow gets of a study and its trials; recorded before their records were typed.

The digests of what holds a parameter `distance` are younger: it had another name.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.planning.entries import entry_of
from harness.results.study_record import StudyRecord
from harness.tuning.publication import study_begun, study_publication, trial_publication

WRITTEN = (Path(__file__).parents[1] / "results" / "study.json").read_text()
RECORD = StudyRecord.from_json(json.loads(WRITTEN))
ENTRY = entry_of("lt", {})

# The first digits of the key and of the digest of each trial's run: where one changes, MLflow gets it anew.
RUNS = [
    ("143fded421a2", "de7d0d4b4d4e"),
    ("c9e337497526", "250e6af09398"),
    ("819080046c40", "c4843c104022"),
    ("a60c2e75faf6", "0b99d22559bc"),
    ("18360d60b299", "64b51ae9e69c"),
    ("043440c0af05", "51ef1f11ba1b"),
]


@pytest.mark.parametrize(("number", "key", "content"), [(number, *run) for number, run in enumerate(RUNS)])
def test_a_trials_run_is_the_same_as_ever(number, key, content):
    trial = RECORD.trials[number]
    for one in (trial, replace(trial, counted=not trial.counted)):  # a larger budget does not change it
        run = trial_publication(RECORD.study, ENTRY, one)
        assert run.key.startswith(key)
        assert {level.digest[:12] for level in run.levels.values()} == {content}


def test_a_study_is_one_run_from_its_beginning_to_its_end():
    begun, ended = study_begun(RECORD.study, ENTRY), study_publication(RECORD, "# parameters")
    assert begun.key == ended.key == "442dd2b144daf144fe9e078c87cea5f38be5945253d7d4bbee7d6f917f163609"
    assert begun.tags == ended.tags == {"harness.kind": "study", "harness.entry": "lt", "harness.method": "lt"}
    assert begun.levels[1.0].digest.startswith("fe75739432c4")
    assert ended.levels[1.0].digest.startswith("4dc90d73a207")
    assert ended.documents == {"study.json": WRITTEN.encode(), "best.toml": b"# parameters"}
    assert trial_publication(RECORD.study, ENTRY, RECORD.trials[0]).parent == begun.key


def test_a_studys_figures_are_its_best_its_default_and_its_budget():
    budget = {"budget/finished": 4, "budget/steps": 700, "budget/seconds": 10.5}
    found = study_publication(RECORD, "").levels[1.0].metrics
    assert found == {"objective/best": 0.125, "objective/default": 0.25, **budget}
    nothing = replace(RECORD, best=None, tuned=None, default_number=None)
    assert study_publication(nothing, "").levels[1.0].metrics == budget


def test_a_trials_figures_are_those_of_each_level_and_at_its_sparsest_those_of_the_whole():
    run = trial_publication(RECORD.study, ENTRY, RECORD.trials[1])
    each = {"validation/fnr": 0.05, "validation/fpr": 0.25}
    assert run.levels[1.0].metrics == {"validation/auc": 0.875, **each}
    total = {"objective/value": 0.25, "cost/steps": 200, "cost/seconds": 3.0}
    assert run.levels[0.25].metrics == {"validation/auc": 0.625, **each, **total}
    assert run.params == {"trial.rate": "0.75", "trial.criterion": "magnitude-increase"}
    diverged = trial_publication(RECORD.study, ENTRY, RECORD.trials[2])
    assert diverged.levels[0.25].metrics == total | {"objective/value": 0.0625}


def test_a_trial_without_a_level_has_its_state_and_its_reason():
    run = trial_publication(RECORD.study, ENTRY, RECORD.trials[0])
    assert run.tags["harness.state"] == "failed"
    assert run.tags["harness.reason"] == "its process was killed"
    assert run.levels[1.0].metrics == {"cost/steps": 0, "cost/seconds": 0}


def test_a_trials_reason_is_published_without_secrets_and_paths():
    trial = next(trial for trial in RECORD.trials if trial.levels)
    levels = tuple(replace(level, reason="no '/home/me/x.pt'") for level in trial.levels)
    trial = replace(trial, reason="at postgresql://me:S3CRET@host/x", levels=levels)
    assert trial_publication(RECORD.study, ENTRY, trial).tags["harness.reason"] == "at postgresql://host/x"
    study = study_publication(replace(RECORD, trials=(trial,)), "").documents["study.json"].decode()
    assert "S3CRET" not in study
    assert "/home/me" not in study
    assert "no 'x.pt'" in study
