"""What MLflow keeps of tuning: a run per study, with the record and the best parameters, and a child run per trial."""

import json
from collections.abc import Mapping
from typing import Any

from harness.planning.entries import Entry
from harness.results.cell_record import step_of
from harness.results.mlflow_tracker import Publication, PublishedLevel
from harness.storage.canonical import digest


def study_begun(study: str, entry: Entry) -> Publication:
    """Return the run of a study without a trial yet: what its trials are children of."""
    tags = _tags("study", entry.text, entry.method)
    levels = {0: _level({}, "begun")}
    return Publication(
        key=_key(study), name=study, tags=tags, params={"entry": entry.text}, levels=levels, documents={}
    )


def study_publication(record: Mapping[str, Any], parameters: str) -> Publication:
    """Return the run of a study at its end; ``parameters`` is the text of the parameter file."""
    metrics = {"objective/best": (record["best"] or {}).get("value"), "objective/default": _default_value(record)}
    metrics |= {f"budget/{name}": record["budget"][name] for name in ("finished", "steps", "seconds")}
    return Publication(
        key=_key(record["study"]),
        name=record["study"],
        tags=_tags("study", record["entry"], record["method"]),
        params={"entry": record["entry"]},
        levels={0: _level(metrics, record)},
        documents={"study.json": json.dumps(record, indent=1).encode(), "best.toml": parameters.encode()},
    )


def trial_publication(study: str, entry: Entry, trial: Mapping[str, Any]) -> Publication:
    """Return the run of one trial, a child of its study's."""
    content = {name: value for name, value in trial.items() if name != "counted"}  # a larger budget changes it
    figures = {
        step_of(level["density"]): {f"validation/{name}": level[name] for name in ("auc", "fnr", "fpr")}
        for level in trial["levels"]
    }
    total = {"objective/value": trial["value"], "cost/steps": trial["steps"], "cost/seconds": trial["seconds"]}
    figures[max(figures, default=0)] = figures.get(max(figures, default=0), {}) | total
    state = {"harness.state": trial["state"], "harness.reason": trial["reason"]}
    return Publication(
        key=digest([_key(study), trial["number"]]),
        name=f"{entry.text} trial {trial['number']}",
        tags={**_tags("trial", entry.text, entry.method), **state},
        params={f"trial.{name}": str(value) for name, value in trial["parameters"].items()},
        levels={step: _level(values, content) for step, values in figures.items()},
        documents={},
        parent=_key(study),
    )


def _key(study: str) -> str:
    return digest(["study", study])


def _tags(kind: str, entry: str, method: str) -> dict[str, str]:
    return {"harness.kind": kind, "harness.entry": entry, "harness.method": method}


def _level(metrics: Mapping[str, float | None], content: Any) -> PublishedLevel:
    known = {name: float(value) for name, value in metrics.items() if value is not None}
    return PublishedLevel(metrics=known, files={}, digest=digest(json.dumps(content, sort_keys=True)))


def _default_value(record: Mapping[str, Any]) -> float | None:
    return next((trial["value"] for trial in record["trials"] if trial["number"] == record["default_number"]), None)
