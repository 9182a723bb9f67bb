"""The results of one experiment as tables: what the reports read, read back from MLflow."""

import io
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from harness.results import names
from harness.results.cell_record import CellRecord
from harness.results.mlflow_tracker import PublishedRun, Tracker, experiments_with_results
from harness.results.names import Field
from harness.results.study_record import StudyRecord

WEAK_DENSE_AUC = 0.6
"""Validation AUC of the dense network below which every comparison with it is void."""


@dataclass(frozen=True)
class Results:
    """Everything that was measured on one data set, finished or not.

    ``experiment`` is the data set's name.

    ``cells`` has one row per (entry, seed, level): run_id, group, entry (canonical text; "dense" is the
    plain-loss reference at density 1), method, loss, plain (the entry's name under the plain loss; its own where a run
    does not say), loss_changes (whether the loss has another gamma after the first round; False where a run does
    not say), seed, density (asked), status ("done", "failed", "diverged", "skipped"), reason, layers (by parameter
    name (left, alive, total) weights; None where a run does not say), then the metrics by name ("test/auc", ...), NaN
    where the cell is not done.

    ``scores`` has one row per (entry, seed, level, split, image) of the cells that are done: run_id, entry,
    seed, density, split ("validation", "test"), id, label (1 = positive), score.

    ``groups`` gives the provenance of each group by id; results of two groups never share a table.

    ``studies`` are the records of `harness tune`; one belongs to the groups whose provenance has its
    "setting".
    """

    experiment: str
    cells: pd.DataFrame
    scores: pd.DataFrame
    groups: dict[str, dict[str, Any]]
    studies: tuple[StudyRecord, ...] = ()

    def of_groups(self, groups: Collection[str]) -> "Results":
        """Return the results of these groups alone."""
        cells = self.cells[self.cells[Field.GROUP].isin(list(groups))]
        runs = cells[Field.RUN]
        return replace(
            self,
            groups={group: facts for group, facts in self.groups.items() if group in groups},
            cells=cells,
            scores=self.scores if self.scores.empty else self.scores[self.scores[Field.RUN].isin(runs)],
        )


def experiments(uri: str, store: Path) -> list[str]:
    """Return the names of the experiments (= data sets) that hold results, sorted. Raises `MachineError` as `read`."""
    return experiments_with_results(uri, store)


def read(uri: str, store: Path, experiment: str) -> Results:
    """Return the results of ``experiment`` at the tracking address ``uri``; empty tables where there are none.

    Where one (group, entry, seed) was run by several versions of a method, the newest run counts. Raises
    `MachineError` where MLflow does not answer.
    """
    tracker = Tracker(uri, store, experiment)
    runs = _newest(tracker.read())
    cells = pd.DataFrame([row for run in runs for row in _cell_rows(run)])
    scores = [_score_rows(run) for run in runs]
    return Results(
        experiment=experiment,
        cells=cells,
        scores=pd.concat(scores, ignore_index=True) if scores else pd.DataFrame(),
        groups=_groups(runs, cells),
        studies=tuple(
            StudyRecord.from_json(json.loads(text)) for text in tracker.documents(names.STUDY, names.STUDY_FILE)
        ),
    )


def _newest(runs: Iterable[PublishedRun]) -> list[PublishedRun]:
    newest: dict[tuple[str, ...], PublishedRun] = {}
    for run in sorted(runs, key=lambda run: run.started):
        newest[tuple(run.tags[name] for name in (names.GROUP, names.ENTRY, names.SEED))] = run
    return list(newest.values())


def _identity(run: PublishedRun) -> dict[str, Any]:
    return {
        Field.RUN: run.run_id,
        Field.ENTRY: run.tags[names.ENTRY],
        Field.SEED: int(run.tags[names.SEED]),
    }


def _records(run: PublishedRun) -> list[CellRecord]:
    return [CellRecord.from_json(json.loads(level[names.CELL_FILE])) for level in run.levels]


def _cell_rows(run: PublishedRun) -> list[dict[str, Any]]:
    fixed = {
        **_identity(run),
        Field.GROUP: run.tags[names.GROUP],
        Field.METHOD: run.tags[names.METHOD],
        Field.LOSS: run.tags[names.LOSS],
        Field.PLAIN: run.tags.get(names.PLAIN, run.tags[names.ENTRY]),
        Field.LOSS_CHANGES: run.tags.get(names.LOSS_CHANGES) == "true",
    }
    return [
        {
            **fixed,
            Field.DENSITY: record.density,
            Field.STATUS: record.status,
            Field.REASON: record.reason,
            Field.LAYERS: record.layers or None,
            **record.metrics,
        }
        for record in _records(run)
    ]


def _score_rows(run: PublishedRun) -> pd.DataFrame:
    kinds = {Field.IMAGE: str, Field.SPLIT: str, Field.SCORE: float}
    parts = [
        pd.read_csv(io.StringIO(level[names.SCORES_FILE]), dtype=kinds).assign(**{Field.DENSITY: record.density})
        for level, record in zip(run.levels, _records(run), strict=True)
    ]
    return pd.concat(parts, ignore_index=True).assign(**_identity(run))


def _groups(runs: Iterable[PublishedRun], cells: pd.DataFrame) -> dict[str, dict[str, Any]]:
    groups: dict[str, dict[str, Any]] = {}
    for run in runs:  # oldest first, so that the newest command and versions stay
        identity = run.tags[names.GROUP]
        known = groups.get(identity, {})
        groups[identity] = {
            **json.loads(run.provenance),
            "seeds": sorted({*known.get("seeds", []), int(run.tags[names.SEED])}),
            "started": _moment(run.started),
            # Levels that are added to an old run count as new: MLflow ends a run anew when it gets more.
            "finished": max(known.get("finished", ""), _moment(run.finished)),
            "void": _void(cells[(cells[Field.GROUP] == identity) & (cells[Field.ENTRY] == names.DENSE)]),
        }
    return groups


def _moment(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")


def _void(dense: pd.DataFrame) -> bool:
    auc = names.on(names.VALIDATION, names.AUC)
    return any(dense_problem(cell[Field.STATUS], cell.get(auc)) for cell in dense.to_dict("records"))


def dense_problem(status: str, auc: float | None) -> str:
    """Return why nothing can be compared with a dense network, or an empty text."""
    if status != names.DONE or auc is None:
        return f"is {status}, not done"
    return f"has validation AUC {auc:.3f} < {WEAK_DENSE_AUC}" if auc < WEAK_DENSE_AUC else ""
