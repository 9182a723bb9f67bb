"""The results of one experiment as tables: what the reports read, read back from MLflow."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from harness.results import names
from harness.results.looks import looks, part_of
from harness.results.measurement import Measurement, measurements_of, with_measured
from harness.results.method_facts import MethodFacts
from harness.results.mlflow_tracker import Tracker, experiments_with
from harness.results.names import Field
from harness.results.published import PublishedRun, ReadDocument
from harness.results.run_tables import UNREADABLE, RunTables, tables_of
from harness.results.study_record import StudyRecord
from harness.results.submission import Submission
from harness.results.thumbnails import Thumbnails, thumbnails_of


@dataclass(frozen=True, eq=False)  # a table has no equality: results are themselves alone
class Results:
    """Everything that was measured on one data set, finished or not.

    ``experiment`` is the data set's name.

    ``cells`` has one row per (entry, seed, level): run_id, group, entry (canonical text; "dense" is the
    plain-loss reference at density 1), method, loss, plain (the entry's name under the plain loss; its own where a run
    does not say), loss_changes (whether the loss has another gamma after the first round; False where a run does
    not say), control (whether the method is there for others to be compared with), family (what kind of method it is;
    of a run that does not say, that of our own methods, else "other"), fold (from 1, of as many as the
    group's provenance says; missing where the publisher's test images are tested), imbalance (negatives per positive
    in training; missing where all are used), seed, density (asked), status ("done", "failed", "diverged", "skipped"),
    reason, layers (by parameter name (left, alive, total) weights; None where a run does not say), then the metrics by
    name ("test/auc", ...), NaN where the cell is not done.

    ``scores`` has one row per (entry, seed, level, split, image) of the cells that are done: run_id, entry,
    seed, density, split ("validation", "test"), id, label (1 = positive), score.

    ``groups`` gives the provenance of each group by id; results of two groups never share a table. "looks" there says
    how many entries were ever scored on its test images, those of other groups and of older versions among them.
    "methods" has what is told of each method, by name, the newest run's: the fields of `MethodFacts`, empty where a run
    does not say.

    ``studies`` are the records of `harness tune`; one belongs to the groups whose provenance has its
    "setting".

    ``thumbnails`` are pictures of tested positives, JPEG in base64, by a group's "test_part" and the image's id; of a
    data set whose licence allows it.

    ``measurements`` are what machines measured of the cells' networks, the newest of each cell on each machine;
    ``cells`` has them as metrics, ``measured/<machine>/latency`` and the like.

    ``damage`` names each run and level of which a file in MLflow is missing, cut or changed. Such a level is a failed
    cell with that as its reason; a run of a group whose provenance is lost is in no table.

    ``submissions`` say whose bundles these results came from, where they came from any.
    """

    experiment: str
    cells: pd.DataFrame
    scores: pd.DataFrame
    groups: dict[str, dict[str, Any]]
    studies: tuple[StudyRecord, ...] = ()
    thumbnails: Thumbnails = field(default_factory=dict)
    damage: tuple[str, ...] = ()
    submissions: tuple[Submission, ...] = ()
    measurements: tuple[Measurement, ...] = ()

    def of_groups(self, groups: Collection[str]) -> "Results":
        """Return the results of these groups alone."""
        cells = self.cells[self.cells[Field.GROUP].isin(list(groups))]
        runs = cells[Field.RUN]
        return replace(
            self,
            groups={group: facts for group, facts in self.groups.items() if group in groups},
            cells=cells,
            scores=self.scores if self.scores.empty else self.scores[self.scores[Field.RUN].isin(runs)],
            measurements=tuple(one for one in self.measurements if one.file.cell and one.file.cell.group in groups),
        )


def experiments(uri: str, store: Path) -> list[str]:
    """Return the names of the experiments (= data sets) that hold results, sorted. Raises `MachineError` as `read`."""
    return experiments_with(names.RESULT, uri, store)


def groups_held(uri: str, store: Path) -> dict[str, int]:
    """Return how many groups of results each experiment has, by name, sorted. Raises `MachineError` as `read`."""
    held = {name: Tracker(uri, store, name).tags(names.RESULT) for name in experiments(uri, store)}
    return {name: len({tags[names.GROUP] for tags in every}) for name, every in held.items()}


def read(uri: str, store: Path, experiment: str) -> Results:
    """Return the results of ``experiment`` at the tracking address ``uri``; empty tables where there are none.

    Where one (group, entry, seed) was run by several versions of a method, the newest run counts. Raises
    `MachineError` where MLflow does not answer.
    """
    tracker = Tracker(uri, store, experiment)
    found = results_of(experiment, tracker.read(), tracker.documents(names.STUDY, names.STUDY_FILE))
    measured, broken = measurements_of(tracker.documents(names.MEASUREMENT, names.MEASUREMENT_FILE))
    return replace(
        found,
        cells=with_measured(found.cells, measured),
        thumbnails=thumbnails_of(tracker.documents(names.THUMBNAILS, names.THUMBNAILS_FILE)),
        measurements=measured,
        damage=(*found.damage, *broken),
    )


def results_of(experiment: str, every: Sequence[PublishedRun], studies: Iterable[ReadDocument]) -> Results:
    """Return the results that runs and the records of studies are, wherever they were kept; the newest run counts."""
    runs = _newest(every)
    groups = _groups(runs)
    tables = [tables_of(run) for run in runs]
    read = [(run.tags[names.GROUP], one) for run, one in zip(runs, tables, strict=True)]
    known = [one for group, one in read if group in groups]
    cells = pd.DataFrame([row for one in known for row in one.rows])
    if not cells.empty:
        cells = cells.astype({Field.FOLD: "Int64", Field.IMBALANCE: "float64"})
    scores = [table for one in known for table in one.scores]
    looked = looks(every, _test_parts(groups, read))
    records, broken = _studies(studies)
    return Results(
        experiment=experiment,
        cells=cells,
        scores=pd.concat(scores, ignore_index=True) if scores else pd.DataFrame(),
        groups={group: {**facts, "looks": looked.get(group, 0)} for group, facts in groups.items()},
        studies=records,
        damage=(*(line for one in tables for line in one.damage), *broken),
    )


def _newest(runs: Iterable[PublishedRun]) -> list[PublishedRun]:
    newest: dict[tuple[str, ...], PublishedRun] = {}
    for run in sorted(runs, key=lambda run: run.started):
        newest[tuple(run.tags[name] for name in (names.GROUP, names.ENTRY, names.SEED))] = run
    return list(newest.values())


def _studies(documents: Iterable[ReadDocument]) -> tuple[tuple[StudyRecord, ...], list[str]]:
    """Return the studies that can be read, and what is wrong with the others."""
    studies, damage = [], []
    for document in documents:
        problem = document.damage
        if not problem:
            try:
                studies.append(StudyRecord.from_json(json.loads(document.text)))
            except UNREADABLE as error:
                problem = f"{names.STUDY_FILE} cannot be read ({type(error).__name__}: {error})"
        if problem:
            damage.append(f"study of run {document.run_id}: {problem}")
    return tuple(studies), damage


def _groups(runs: Sequence[PublishedRun]) -> dict[str, dict[str, Any]]:
    """Return what is known of each group; a group of which no provenance is left is none."""
    groups: dict[str, dict[str, Any]] = {}
    told = {run.tags[names.GROUP] for run in runs if _facts(run.provenance) is not None}
    for run in runs:  # oldest first, so that the newest command and versions stay
        identity = run.tags[names.GROUP]
        known = groups.get(identity, {})
        groups[identity] = {
            **(_facts(run.provenance) or known),  # where its own is lost, an older command's
            "methods": {**known.get("methods", {}), **_method(run)},
            "seeds": sorted({*known.get("seeds", []), int(run.tags[names.SEED])}),
            "started": _moment(run.started),
            # Levels that are added to an old run count as new: MLflow ends a run anew when it gets more.
            "finished": max(known.get("finished", ""), _moment(run.finished)),
        }
    return {group: facts for group, facts in groups.items() if group in told}


def _method(run: PublishedRun) -> dict[str, dict[str, str]]:
    """Return what a run tells of its method, by name; of the references nothing is to be told."""
    method = run.tags[names.METHOD]
    return {} if method in names.REFERENCES else {method: asdict(MethodFacts.from_tags(method, run.tags))}


def _facts(provenance: str) -> dict[str, Any] | None:
    """Return a run's provenance, None where it is lost."""
    try:
        found = json.loads(provenance)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _moment(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")


def _test_parts(groups: Mapping[str, Mapping[str, Any]], read: Iterable[tuple[str, RunTables]]) -> dict[str, str]:
    """Return the test part of each group, as its provenance has it; of an older harness's, as its scores have it.

    ``read`` has each run's group and tables.
    """
    parts = {group: str(facts["test_part"]) for group, facts in groups.items() if facts.get("test_part")}
    for group, one in read:
        for scores in one.scores:
            tested = scores[scores[Field.SPLIT] == names.TEST].drop_duplicates(Field.IMAGE)  # of one level, or several
            if group in groups and group not in parts and len(tested):
                parts[group] = part_of(tested[Field.IMAGE], tested[Field.LABEL])
    return parts
