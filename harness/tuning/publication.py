"""What MLflow keeps of tuning: a run per study, with the record and the best parameters, and a child run per trial."""

import json
from collections.abc import Mapping
from typing import Any

from harness.outgoing.published import published, published_values
from harness.planning.entries import Entry
from harness.results.names import (
    BEST_FILE,
    ENTRY,
    KIND,
    METHOD,
    REASON,
    SECONDS,
    STATE,
    STEPS,
    STUDY,
    STUDY_FILE,
    TRIAL,
    VALIDATION,
    on,
)
from harness.results.published import Publication, PublishedLevel
from harness.results.study_record import StudyRecord
from harness.results.trial_record import LevelResult, TrialRecord
from harness.storage.canonical import digest


def study_begun(study: str, entry: Entry) -> Publication:
    """Return the run of a study without a trial yet: what its trials are children of."""
    tags = _tags(STUDY, entry.text, entry.method)
    levels = {1.0: _level({}, "begun")}
    return Publication(
        key=_key(study), name=study, tags=tags, params={"entry": entry.text}, levels=levels, documents={}
    )


def study_publication(record: StudyRecord, parameters: str) -> Publication:
    """Return the run of a study at its end; ``parameters`` is the text of the parameter file."""
    best, default, budget = record.best, record.default_trial, record.budget
    metrics = {
        "objective/best": None if best is None else best.value,
        "objective/default": None if default is None else default.value,
        "budget/finished": budget.finished,
        "budget/steps": budget.steps,
        "budget/seconds": budget.seconds,
    }
    content = published_values(record.to_json(), only=["reason"])
    return Publication(
        key=_key(record.study),
        name=record.study,
        tags=_tags(STUDY, record.entry, record.method),
        params={"entry": record.entry},
        levels={1.0: _level(metrics, content)},
        documents={STUDY_FILE: json.dumps(content, indent=1).encode(), BEST_FILE: parameters.encode()},
    )


def trial_publication(study: str, entry: Entry, trial: TrialRecord) -> Publication:
    """Return the run of one trial, a child of its study's."""
    content = published_values(trial.to_json(), only=["reason"])
    del content["counted"]  # a larger budget changes it
    figures = {level.density: _figures(level) for level in trial.levels}
    last = min(figures, default=1.0)
    figures[last] = figures.get(last, {}) | {
        "objective/value": trial.value,
        STEPS: trial.steps,
        SECONDS: trial.seconds,
    }
    return Publication(
        key=digest([_key(study), trial.number]),
        name=f"{entry.text} trial {trial.number}",
        tags={**_tags(TRIAL, entry.text, entry.method), STATE: trial.state, REASON: published(trial.reason)},
        params={f"trial.{name}": str(value) for name, value in trial.parameters.items()},
        levels={density: _level(values, content) for density, values in figures.items()},
        documents={},
        parent=_key(study),
    )


def _figures(level: LevelResult) -> dict[str, float | None]:
    return {on(VALIDATION, "auc"): level.auc, on(VALIDATION, "fnr"): level.fnr, on(VALIDATION, "fpr"): level.fpr}


def _key(study: str) -> str:
    return digest(["study", study])


def _tags(kind: str, entry: str, method: str) -> dict[str, str]:
    return {KIND: kind, ENTRY: entry, METHOD: method}


def _level(metrics: Mapping[str, float | None], content: Any) -> PublishedLevel:
    known = {name: float(value) for name, value in metrics.items() if value is not None}
    return PublishedLevel(metrics=known, files={}, digest=digest(json.dumps(content, sort_keys=True)))
