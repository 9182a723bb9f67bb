"""One run as rows of tables. A level of which a file is damaged is a failed cell that says so."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from harness.results import names
from harness.results.cell_record import CellRecord
from harness.results.method_facts import MethodFacts
from harness.results.names import Field
from harness.results.published import PublishedRun, ReadLevel

UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)
"""What a file raises that is not what it should be; one that an older harness logged has no hash to tell it by."""


@dataclass(frozen=True)
class RunTables:
    """What one run gives: a row a level, one table of the scores of all that can be read, and what is damaged."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    scores: list[pd.DataFrame] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)


def _identity(run: PublishedRun) -> dict[str, Any]:
    return {
        Field.RUN: run.run_id,
        Field.ENTRY: run.tags[names.ENTRY],
        Field.SEED: int(run.tags[names.SEED]),
    }


def tables_of(run: PublishedRun) -> RunTables:
    """Return the tables of one run."""
    fixed = {
        **_identity(run),
        Field.GROUP: run.tags[names.GROUP],
        Field.METHOD: run.tags[names.METHOD],
        Field.LOSS: run.tags[names.LOSS],
        Field.PLAIN: run.tags.get(names.PLAIN, run.tags[names.ENTRY]),
        Field.LOSS_CHANGES: run.tags.get(names.LOSS_CHANGES) == "true",
        Field.CONTROL: _is_control(run),
        Field.FAMILY: MethodFacts.from_tags(run.tags[names.METHOD], run.tags).family,
        Field.FOLD: int(run.tags[names.FOLD]) if names.FOLD in run.tags else None,
        Field.IMBALANCE: float(run.tags[names.IMBALANCE]) if names.IMBALANCE in run.tags else None,
    }
    found = RunTables(damage=[f"{named(run)}: {damage}" for damage in run.damage])
    scores = []
    for level in run.levels:
        try:
            record, own = _content(level)
            scores.append((record.density, own))
        except UNREADABLE as error:
            damage = level.damage or f"its files cannot be read ({type(error).__name__}: {error})"
            reason = f"{damage}, of run {run.run_id} in MLflow"
            record = CellRecord(density=level.density, status=names.FAILED, reason=reason)
            found.damage.append(f"{named(run)} at density {level.density!r}: {damage}")
        found.rows.append({**fixed, **_row(record)})
    if scores:
        found.scores.append(_table(scores).assign(**_identity(run)))
    return found


def _is_control(run: PublishedRun) -> bool:
    if names.CONTROL in run.tags:
        return run.tags[names.CONTROL] == "true"
    return run.tags[names.METHOD] in names.CONTROLS


def _content(level: ReadLevel) -> tuple[CellRecord, "_Columns"]:
    """Return a level's record and its scores. Raises what `UNREADABLE` names where they are none."""
    if level.damage:
        raise ValueError(level.damage)
    record = CellRecord.from_json(json.loads(level.files[names.CELL_FILE]))
    return record, _columns(level.files[names.SCORES_FILE])


class _Columns(NamedTuple):
    """The scores of one level by image: its split, its id, its label and its score."""

    splits: Sequence[str]
    ids: Sequence[str]
    labels: list[int]
    scores: list[float]


def _columns(text: str) -> _Columns:
    """Return what scores.csv holds, each score with its own bits. Raises as `_content`.

    A table library's reader takes ten times as long for a few hundred rows, of which a report may have 35,000 files.
    """
    try:
        header, *rows = filter(None, csv.reader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise ValueError(str(error)) from None
    columns = dict(zip(header, zip(*rows, strict=True) if rows else [()] * len(header), strict=True))
    splits, ids, labels, scores = (columns[name] for name in (Field.SPLIT, Field.IMAGE, Field.LABEL, Field.SCORE))
    return _Columns(splits, ids, [*map(int, labels)], [*map(float, scores)])


def _table(levels: Sequence[tuple[float, _Columns]]) -> pd.DataFrame:
    """Return the scores of levels, each with its density, as one table."""
    parts = [own for _, own in levels]
    return pd.DataFrame(
        {
            Field.SPLIT: [one for own in parts for one in own.splits],
            Field.IMAGE: [one for own in parts for one in own.ids],
            Field.LABEL: np.array([one for own in parts for one in own.labels], dtype=np.int64),
            Field.SCORE: np.array([one for own in parts for one in own.scores], dtype=np.float64),
            Field.DENSITY: np.repeat([density for density, _ in levels], [len(own.ids) for own in parts]),
        }
    )


def _row(record: CellRecord) -> dict[str, Any]:
    return {
        Field.DENSITY: record.density,
        Field.STATUS: record.status,
        Field.REASON: record.reason,
        Field.LAYERS: record.layers or None,
        **record.metrics,
    }


def named(run: PublishedRun) -> str:
    """Return which run it is, for a message: ``lt seed 0 (run 4f1c...)``."""
    return f"{run.tags[names.ENTRY]} seed {run.tags[names.SEED]} (run {run.run_id})"
