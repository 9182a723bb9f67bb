"""Everything that a store or a server holds, held against its hashes and counted anew from its scores."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from harness.integrity.run_check import RunCheck, check_run, collapse_differences
from harness.results import names
from harness.results.manifest import read_checked
from harness.results.mlflow_tracker import Tracker, experiments_with
from harness.results.recorded import RecordedRun
from harness.storage.canonical import digest
from harness.storage.stage_files import CorruptStageError
from harness.storage.store import Store

Seen = Callable[[], None]
"""Told each run and each stage as it is done."""


class Difference(NamedTuple):
    """Something that is not as it was, or does not follow: where, and what."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass
class Verification:
    """What was looked at, and every difference that was found."""

    runs: list[RunCheck] = field(default_factory=list)
    others: int = 0
    stages: int = 0
    documents: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How much was looked at, by kind."""
        levels = [level for run in self.runs for level in run.levels]
        return {
            "runs": len(self.runs) + self.others,
            "levels": len(levels),
            "figures": sum(len(level.figures) for level in levels),
            "scores": sum(level.images for level in levels),
            "files": self.documents + sum(run.files for run in self.runs),
            "stages": self.stages,
        }

    def add(self, where: str, differences: Iterator[str] | Sequence[str]) -> None:
        """Note what is wrong at one place."""
        self.differences += [Difference(where, what) for what in differences]


def verify_results(uri: str, store: Path, run_ids: Sequence[str], seen: Seen = lambda: None) -> Verification:
    """Return what is found of the results at a tracking address, of all runs or of those that ``run_ids`` names.

    Raises `MachineError` where MLflow does not answer.
    """
    found = Verification()

    def check(run: RecordedRun) -> RunCheck | None:
        if run_ids and run.run_id not in run_ids:
            return None
        seen()
        return check_run(run)

    for experiment in experiments_with(names.RESULT, uri, store):
        checked = Tracker(uri, store, experiment).recorded(names.RESULT, check)
        note_runs(found, [run for run in checked if run is not None])
    for kind in () if run_ids else (names.STUDY, names.TRIAL):
        for experiment in experiments_with(kind, uri, store):
            Tracker(uri, store, experiment).recorded(kind, lambda run: note_documents(found, run))
    return found


def note_runs(found: Verification, runs: Sequence[RunCheck]) -> None:
    """Note what is wrong with each of the runs of one data set, and with one beside another."""
    found.runs += runs
    spreads = {_of(run): run.dense_spread for run in runs if run.dense_spread is not None}
    images: dict[tuple[str, str], tuple[str, str]] = {}
    for run in runs:
        found.add(named(run.run), run.differences)
        if (spread := 0.0 if run.is_probe else spreads.get(_of(run))) is not None:
            found.add(named(run.run), collapse_differences(run, spread))
        found.add(named(run.run), _other_images(run, images))


def _of(run: RunCheck) -> tuple[str, str]:
    return run.run.tags.get(names.GROUP, ""), run.run.tags.get(names.SEED, "")


def _other_images(check: RunCheck, known: dict[tuple[str, str], tuple[str, str]]) -> Iterator[str]:
    """Yield each split whose images and labels are not those of the first run of its group, kept in ``known``."""
    for level in check.levels:
        for split, table in level.scores.items():
            mine = digest([list(table.ids), table.labels.tolist()])
            group, seed = _of(check)
            place = (group, split if split == names.TEST else f"{split} of seed {seed}")
            first, whose = known.setdefault(place, (mine, named(check.run)))
            if first != mine:
                yield f"density {level.level.density!r}: other images or labels of {split} than {whose} has"


def note_documents(found: Verification, run: RecordedRun) -> None:
    """Hold the files of a study or a trial against their hashes."""
    found.others += 1
    found.documents += len(run.manifest.documents)
    found.add(named(run), [*run.lost, *read_checked(run.files, run.manifest.documents)[1]])


def named(run: RecordedRun) -> str:
    """Return which run it is, for a message: ``lt seed 0 (run 4f1c...)``."""
    entry, seed = run.tags.get(names.ENTRY), run.tags.get(names.SEED)
    if entry is None:
        return f"run {run.run_id}"
    return f"{entry} (run {run.run_id})" if seed is None else f"{entry} seed {seed} (run {run.run_id})"


def verify_stages(root: Path, found: Verification, seen: Seen = lambda: None) -> None:
    """Hold every stage of a store against the hashes that it was committed with; note those that differ."""
    store = Store(root)
    for folder, _ in store.folders():
        found.stages += 1
        seen()
        try:
            store.read(folder.name, whole=True)
        except CorruptStageError as error:
            found.add(f"stage {folder.name[:12]}", [str(error)])
