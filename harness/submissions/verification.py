"""A bundle held against its hashes, each figure counted anew from its scores, and each run against its plan."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from harness.integrity.run_check import RunCheck, check_run
from harness.integrity.verification import Verification, note_documents, note_runs
from harness.results import names
from harness.results.recorded import RecordedRun
from harness.submissions.bundle import Bundle

_BOTH = {"network": "network", "weights": "weights", "preset": "preset", "environment": "environment"}
_BOTH |= {"schedule": "training", "verdict": "verdict"}
"""Facts that provenance.json and plan.json both have, the first by the name on the left."""


def verify_bundle(bundle: Bundle, seen: Callable[[], None] = lambda: None) -> Verification:
    """Return what is found of a bundle; where its members do not fit together, that alone.

    ``seen`` is told each run.
    """
    found = Verification()
    if bundle.faults:
        found.differences += bundle.faults
        return found
    checks = []
    for run in bundle.runs(names.RESULT):
        checks.append(check_run(run))
        seen()
    note_runs(found, checks)
    for check in checks:
        found.add(f"runs/{check.run.run_id}", list(_told_twice(check, bundle.facts.dataset)))
    for study in bundle.runs(names.STUDY):
        note_documents(found, study)
    return found


def _told_twice(check: RunCheck, dataset: str) -> Iterator[str]:
    """Yield what a run's tags, plan and provenance say of one thing that is not the same."""
    told, plan = check.provenance, _plan(check.run)
    if told.get("dataset") != dataset:
        yield f"{names.PROVENANCE}: dataset is {told.get('dataset')!r}, the bundle is of {dataset!r}"
    for fact, planned in _BOTH.items():
        if fact in told and planned in plan and told[fact] != plan[planned]:
            yield f"{names.PROVENANCE}: {fact} is {told[fact]!r:.100}, {names.PLAN} has {plan[planned]!r:.100}"
    tags = check.run.tags
    for tag, fact in ((names.FOLD, "fold"), (names.FOLDS, "folds")):
        if tags.get(tag, "None") != str(told.get(fact)):
            yield f"{names.PROVENANCE}: {fact} is {told.get(fact)!r}, {names.MANIFEST} has the tag {tags.get(tag)!r}"
    yield from _entry(tags, plan)


def _entry(tags: Mapping[str, str], plan: Mapping[str, Any]) -> Iterator[str]:
    entries = plan["entries"] if isinstance(plan.get("entries"), list) else []
    entry = next((one for one in entries if _text(one) == tags[names.ENTRY]), None)
    if entry is None:
        yield f"{names.PLAN} has no entry {tags[names.ENTRY]!r:.100}, which {names.MANIFEST} has as a tag"
        return
    loss = entry.get("loss")
    said = {names.METHOD: entry.get("method"), names.LOSS: loss.get("name") if isinstance(loss, dict) else None}
    for tag, value in said.items():
        if tags[tag] != value:
            yield f"{names.MANIFEST} has the tag {tag} = {tags[tag]!r:.100}, {names.PLAN} has {value!r:.100}"


def _text(entry: Any) -> Any:
    return entry.get("text") if isinstance(entry, dict) else None


def _plan(run: RecordedRun) -> dict[str, Any]:
    found = json.loads(run.files.read(names.PLAN) or b"{}")
    return found if isinstance(found, dict) else {}
