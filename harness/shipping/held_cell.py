"""Which cell of the published results is meant: found in MLflow, or refused with the nearest that there is."""

import io
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from harness.data.asked import Asked, asked_for
from harness.entry_text import parse_entry
from harness.errors import DataError, HarnessError, UsageError, nearest
from harness.planning.entries import entry_of
from harness.results import names
from harness.results.cell_record import CellRecord
from harness.results.manifest import LoggedLevel
from harness.results.mlflow_tracker import Tracker
from harness.results.names import Field
from harness.results.recorded import RecordedRun


@dataclass(frozen=True, kw_only=True)
class CellName:
    """A cell as it is asked for; what is None must be clear without it.

    ``dataset`` may say where a user's own images lie, ``folder:PATH``; `find_cell` makes ``images`` of that.
    """

    dataset: str
    entry: str
    density: float
    seed: int = 0
    fold: int | None = None
    imbalance: float | None = None
    group: str | None = None
    images: Asked | None = None

    def __str__(self) -> str:
        parts = [f"{self.entry} at density {self.density:g}", f"seed {self.seed}"]
        parts += [f"fold {self.fold}"] if self.fold is not None else []
        parts += [f"{self.imbalance:g} negatives per positive"] if self.imbalance is not None else []
        return ", ".join(parts)


@dataclass(frozen=True)
class HeldCell:
    """A finished cell: its run, its level, and its record as published, scores included.

    ``ids`` and ``labels`` are those of the test scores, in their order.
    """

    name: CellName
    run: RecordedRun
    level: LoggedLevel
    record: CellRecord
    provenance: Mapping[str, Any]
    ids: tuple[str, ...]
    labels: tuple[int, ...]

    @property
    def group(self) -> str:
        """The results that it may be compared with."""
        return self.run.tags[names.GROUP]


def find_cell(name: CellName, uri: str, store: Path) -> HeldCell:
    """Return the published cell that is meant, of the newest run where there are several.

    Raises `UsageError` for one that is not there or not clear, naming what is, or that failed, with its reason;
    `DataError` for one whose files are damaged; `MachineError` where MLflow does not answer.
    """
    if not 0 < name.density <= 1:
        raise UsageError(f"density {name.density:g} is no share of the weights", fix="give a level in (0, 1]: 0.25")
    name = _with_images(name)
    runs = Tracker(uri, store, name.dataset).runs(names.RESULT)
    if not runs:
        raise UsageError(f"no results of {name.dataset!r}", fix=f"first: harness run --dataset {name.dataset}")
    entries = _with(runs, names.ENTRY)
    entry = name.entry if name.entry in entries else _canonical(name.entry)
    found = _narrowed(runs, _ENTRY, entry)
    for what, wanted in ((_GROUP, name.group), (_FOLD, name.fold), (_RATIO, name.imbalance)):
        found = _narrowed(found, what, "" if wanted is None else f"{wanted:g}" if what is not _GROUP else f"{wanted}")
    found = _narrowed(found, _SEED, str(name.seed))
    return _held(name, max(_of_one_group(found, name), key=lambda run: run.started))


def _with_images(name: CellName) -> CellName:
    """Return the name by which results are kept of a user's own images, and where these lie."""
    if ":" not in name.dataset:
        return name
    asked = asked_for(name.dataset)
    return replace(name, dataset=asked.name, images=asked)


@dataclass(frozen=True)
class _What:
    """One thing that tells runs apart: its tag, its words, and how it is asked for."""

    tag: str
    word: str
    option: str


_ENTRY = _What(names.ENTRY, "entry", "--entry")
_GROUP = _What(names.GROUP, "group", "--group")
_FOLD = _What(names.FOLD, "fold", "--fold")
_RATIO = _What(names.IMBALANCE, "ratio of negatives to positives", "--imbalance")
_SEED = _What(names.SEED, "seed", "--seed")


def _with(runs: Iterable[RecordedRun], tag: str) -> list[str]:
    """Return the values of a tag, an empty text of a run without it."""
    return sorted({run.tags.get(tag, "") for run in runs}, key=lambda value: (len(value), value))


def _narrowed(runs: Sequence[RecordedRun], what: _What, wanted: str) -> list[RecordedRun]:
    """Return the runs that are ``wanted``; nothing wanted: all where one value is all there is."""
    there = _with(runs, what.tag)
    if not wanted and len(there) == 1 and what is not _ENTRY:
        return list(runs)
    if what is _GROUP and not wanted:
        return list(runs)  # folds are groups of their own: `_of_one_group` asks
    found = [run for run in runs if run.tags.get(what.tag, "") == wanted]
    if found:
        return found
    listed = ", ".join(one or "none" for one in there)
    said = f"no {what.word} {wanted!r} among the results{nearest(wanted, there)}" if wanted else f"which {what.word}?"
    raise UsageError(f"{said}", fix=f"give {what.option} one of: {listed}")


def _of_one_group(runs: Sequence[RecordedRun], name: CellName) -> Sequence[RecordedRun]:
    groups = _with(runs, names.GROUP)
    if len(groups) == 1:
        return runs
    told = {run.tags[names.GROUP]: _told(_json(run, names.PROVENANCE)) for run in runs}
    raise UsageError(
        f"{name} was run in {len(groups)} ways",
        faults=[f"group {group}: {told[group]}" for group in groups],
        fix="name one: --group ID",
    )


def _told(provenance: Mapping[str, Any]) -> str:
    parts = [f"{provenance.get(name)}" for name in ("network", "weights", "preset") if provenance.get(name)]
    size = [f"{provenance['size']} px"] if "size" in provenance else []
    return ", ".join([*parts[:1], *size, *parts[1:]])


def _canonical(written: str) -> str:
    """Return the name of an entry as results have it; where no method is called so, as it is written."""
    try:
        return entry_of(*parse_entry(written)).text
    except HarnessError:
        return written


def _held(name: CellName, run: RecordedRun) -> HeldCell:
    level = _level(name, run)
    content, damage = level.read(run.files, (names.CELL_FILE, names.SCORES_FILE))
    if damage:
        raise DataError(f"{name}: {damage[0]}", fix="run the same command again: what is lost is published anew")
    record = CellRecord.from_json(json.loads(content[names.CELL_FILE]))
    if record.status != names.DONE:
        raise UsageError(f"{name} has no network: it {record.status} ({record.reason})", fix="choose another level")
    scores = pd.read_csv(io.BytesIO(content[names.SCORES_FILE]), dtype={Field.IMAGE: str}, keep_default_na=False)
    tested = scores[scores[Field.SPLIT] == names.TEST]
    told = {split: tuple(scores[scores[Field.SPLIT] == split][Field.SCORE]) for split in (names.VALIDATION, names.TEST)}
    return HeldCell(
        name=name,
        run=run,
        level=level,
        record=_with_scores(record, told),
        provenance=_json(run, names.PROVENANCE),
        ids=tuple(tested[Field.IMAGE]),
        labels=tuple(map(int, tested[Field.LABEL])),
    )


def _with_scores(record: CellRecord, told: Mapping[str, tuple[float, ...]]) -> CellRecord:
    return CellRecord(
        density=record.density,
        status=record.status,
        reason=record.reason,
        metrics=record.metrics,
        layers=record.layers,
        validation_scores=told[names.VALIDATION],
        test_scores=told[names.TEST],
    )


def _level(name: CellName, run: RecordedRun) -> LoggedLevel:
    close: Callable[[float], bool] = lambda density: math.isclose(density, name.density, rel_tol=1e-6)  # noqa: E731
    for density, level in run.manifest.levels.items():
        if close(density):
            return level
    there = sorted(run.manifest.levels, reverse=True)
    best = min(there, key=lambda density: abs(math.log(density / name.density)), default=None)
    raise UsageError(
        f"{name.entry} has no level of density {name.density:g}" + (f" (did you mean {best:g}?)" if best else ""),
        fix=f"give --density one of: {', '.join(f'{density:g}' for density in there)}",
    )


def _json(run: RecordedRun, document: str) -> dict[str, Any]:
    try:
        found = json.loads(run.files.read(document) or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
