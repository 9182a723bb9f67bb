"""One published run against itself: documents, tags, MLflow's own figures, and each of its levels."""

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError

from harness.evaluation.terms import USUAL, Terms
from harness.integrity.level_check import LevelCheck, check_level, differing
from harness.results import names
from harness.results.cell_record import step_of
from harness.results.looks import part_of
from harness.results.manifest import FOLDER, read_checked
from harness.results.mlflow_run import short
from harness.results.recorded import Points, RecordedRun
from harness.training.inference import has_collapsed


@dataclass(frozen=True)
class RunCheck:
    """A run, its levels, and what of it is not as it should be; ``provenance`` is empty where it is lost."""

    run: RecordedRun
    levels: tuple[LevelCheck, ...]
    provenance: Mapping[str, Any]
    differences: tuple[str, ...]

    @property
    def files(self) -> int:
        """Number of files that were held against a hash."""
        listed = [{*(one.level.sha256 or ())} - {*self.run.withheld} for one in self.levels]
        return len(self.run.manifest.documents) + sum(map(len, listed))

    @property
    def is_probe(self) -> bool:
        """Whether it is a run of the probe, which is collapsed only where its scores do not move at all."""
        return self.run.tags.get(names.ENTRY) == names.PROBE

    @property
    def dense_spread(self) -> float | None:
        """The sd of the dense level's validation scores, of a run of the dense reference."""
        if self.run.tags.get(names.ENTRY) != names.DENSE or not self.levels:
            return None
        return self.levels[0].figures.get(names.SPREAD)


def check_run(run: RecordedRun) -> RunCheck:
    """Read all that a run holds, and hold it against its manifest and against itself."""
    run.files.fetch(FOLDER)
    documents, damage = read_checked(run.files, run.manifest.documents)
    logged = sorted(run.manifest.levels.items(), reverse=True)
    provenance = _read(documents.get(names.PROVENANCE, b""))
    terms = _terms(provenance)
    levels = tuple(check_level(level, run.files, terms or USUAL, run.withheld) for _, level in logged)
    differences = [
        *run.lost,
        *damage,
        *_tags(run),
        *_provenance(run, provenance, levels),
        *_judged(provenance, terms, _read(documents.get(names.PLAN, b""))),
        *(f"density {one.level.density!r}: {what}" for one in levels for what in one.differences),
        *(() if run.points is None else _points(run.points, levels)),
    ]
    return RunCheck(run, levels, provenance, tuple(differences))


def _tags(run: RecordedRun) -> Iterator[str]:
    for name, value in run.manifest.tags.items():
        if run.tags.get(name) != short(value):
            yield f"MLflow has the tag {name} = {run.tags.get(name)!r}, {names.MANIFEST} has {value!r}"


def _read(document: bytes) -> dict[str, Any]:
    """Return a provenance; an empty one where it is lost or none."""
    try:
        found = json.loads(document)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _terms(told: Mapping[str, Any]) -> Terms | None:
    """Return the terms that a run was made under, the usual ones where it is from before there were any."""
    try:
        return TypeAdapter(Terms).validate_python(told.get("verdict", {}))
    except ValidationError:
        return None


def _judged(told: Mapping[str, Any], terms: Terms | None, plan: Mapping[str, Any]) -> Iterator[str]:
    if terms is None:
        yield f"{names.PROVENANCE} has terms of a verdict that cannot be: {told['verdict']!r}"
    elif told.get("verdict") != plan.get("verdict"):
        yield f"{names.PROVENANCE} has the terms {told.get('verdict')!r}, {names.PLAN} {plan.get('verdict')!r}"


def _provenance(run: RecordedRun, told: Mapping[str, Any], levels: tuple[LevelCheck, ...]) -> Iterator[str]:
    if told.get("group") != run.tags.get(names.GROUP):
        yield f"{names.PROVENANCE} is of group {told.get('group')}, the run of {run.tags.get(names.GROUP)}"
    of_splits = told.get("counts")
    for level in levels:
        for split, images in level.scores.items():
            counts = {"p": int(images.labels.sum()), "n": int((1 - images.labels).sum())}
            said = of_splits.get(split) if isinstance(of_splits, dict) else None
            if counts != said:
                yield (
                    f"density {level.level.density!r}: {names.SCORES_FILE} has {counts} images of {split},"
                    f" {names.PROVENANCE} says {said}"
                )
            part = part_of(images.ids, images.labels)
            if split == names.TEST and told.get("test_part", part) != part:
                yield f"density {level.level.density!r}: its test images are not those that {names.PROVENANCE} names"


def _points(points: Points, levels: tuple[LevelCheck, ...]) -> Iterator[str]:
    """Yield what MLflow shows otherwise than the levels' files have it, or twice; levels may share a step."""
    wanted: dict[tuple[str, int], set[float]] = defaultdict(set)
    for level in levels:
        for name, value in (level.record.metrics if level.record else {}).items():
            # Of the first time, where it was logged again.
            if math.isfinite(value) and not name.startswith(names.UNSTEADY):
                wanted[name, step_of(level.level.density)].add(float(value))
    unread = {step_of(level.level.density) for level in levels if level.record is None}
    for place in sorted(points.keys() | wanted.keys()):
        held, told = points.get(place, ()), wanted.get(place, set())
        if set(held) != told and place[1] not in unread and not place[0].startswith(names.UNSTEADY):
            yield f"MLflow has {place[0]} = {_listed(held)} at step {place[1]}, {names.CELL_FILE} has {_listed(told)}"
        elif len(held) > len(set(held)):
            yield f"MLflow has {place[0]} at step {place[1]} {len(held)} times"


def _listed(values: Any) -> str:
    return ", ".join(map(repr, sorted(values))) or "nothing"


def collapse_differences(check: RunCheck, dense_spread: float) -> Iterator[str]:
    """Yield each done level whose mark of collapse is not what its scores give beside the dense reference's."""
    for level in check.levels:
        if level.record is not None and level.figures:
            scores = torch.from_numpy(level.scores[names.VALIDATION].scores)
            counted = {names.COLLAPSED: float(has_collapsed(scores, dense_spread))}
            yield from (f"density {level.level.density!r}: {one}" for one in differing(counted, level.record.metrics))
