"""A study's record of made-up trials, against the bytes that were written of the same before the record was typed."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.planning.entries import entry_of
from harness.planning.tuning_options import TuningOptions
from harness.results.trial_record import LevelResult, TrialRecord
from harness.training.schedule import Schedule
from harness.tuning import recording
from harness.tuning.candidate import Candidate
from harness.tuning.objective import Objective
from harness.tuning.recording import record_study
from harness.tuning.search import Search
from harness.tuning.spaces import space_of
from harness.tuning.study_definition import Definition

WRITTEN = (Path(__file__).parents[1] / "results" / "study.json").read_text()
NAME = "tuning: isic lt[rate=0.75] 0b8806ca"
DEFAULT = {"rate": 0.75, "criterion": "magnitude-increase"}
BEST = {"rate": 0.2, "criterion": "distance"}


@dataclass(frozen=True)
class SomePlan:
    densities: tuple[float, ...]
    training: Schedule


def level(density, auc, fnr=0.05, fpr=0.25, **facts):
    return LevelResult(density=density, status="done", auc=auc, fnr=fnr, fpr=fpr, **facts)


def trial(number, state, value, levels, feasible=None, *, counted=True, reason="", **values):
    return TrialRecord(
        number=number,
        state=state,
        counted=counted,
        value=value,
        feasible=feasible,
        parameters=values,
        levels=tuple(levels),
        steps=100 * len(levels),
        seconds=1.5 * len(levels),
        computed_seconds=0.25 * number,
        reason=reason,
    )


DIVERGED = LevelResult(density=0.25, status="diverged", reason="training diverged after 3 steps")
COLLAPSED = level(1.0, 0.5, 0.0, 1.0, collapsed=True)
STOPPED = "stopped: among the worst quarter at 25 %"
TRIALS = [
    trial(0, "failed", None, [], counted=False, reason="its process was killed", **DEFAULT),
    trial(1, "complete", 0.25, [level(1.0, 0.875), level(0.25, 0.625)], True, **DEFAULT),
    trial(2, "complete", 0.0625, [level(1.0, 0.875), DIVERGED], False, rate=0.5, criterion="magnitude"),
    trial(3, "pruned", 1.0, [COLLAPSED], False, reason=STOPPED, rate=0.8, criterion="magnitude"),
    trial(4, "complete", 0.125, [level(1.0, 0.875), level(0.25, 0.75)], True, **BEST),
    trial(5, "complete", 0.03125, [level(1.0, 0.9375), level(0.25, 0.9375)], True, rate=0.25, criterion="distance"),
    trial(6, "running", None, [], counted=False, rate=0.3, criterion="distance"),
]


@pytest.fixture
def search():
    candidate = Candidate(entry_of("lt", {}), Schedule(), {})
    objective = Objective(name="fnr", fpr_bound=0.5)
    definition = Definition(name=NAME, space=space_of(candidate, {}), default=DEFAULT, objective=objective)
    options = TuningOptions(trials=4, seeds=(1_000_000, 7))
    return Search(plan=SomePlan((1.0, 0.25), Schedule()), candidate=candidate, definition=definition, options=options)


@pytest.fixture
def recorded(search, monkeypatch):
    """Return a function that records a study of these trials."""
    monkeypatch.setattr(recording, "versions", lambda: {"python": "3.11.7", "prune-harness": "0.1.0"})

    def made(trials=TRIALS):
        study = SimpleNamespace(records=lambda: trials, importance=lambda: {"rate": 0.75, "criterion": 0.25})
        return record_study(search, study, "13348cc18404", "harness tune --methods lt")

    return made


def test_a_record_is_written_byte_for_byte_as_it_was(recorded):
    assert json.dumps(recorded().to_json(), indent=1) == WRITTEN


def test_a_study_without_a_network_chooses_nothing(recorded):
    for trials in (TRIALS[:1], [replace(TRIALS[2], levels=(DIVERGED,))]):
        nothing = recorded(trials)
        assert (nothing.best, nothing.tuned, nothing.edges, nothing.default_number) == (None, None, (), None)
    assert (nothing.budget.asked, nothing.budget.finished, nothing.budget.lost) == (4, 1, 0)
