"""One run from plan to published results: decode, work, publish, and say honestly what is not done."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple, Protocol

from harness.data.draw import Cutting
from harness.data.image_cache import ImageSet
from harness.data.loading import Splits, parts, read_images, splits_of
from harness.initial.weights_choice import TRAINED_SWAPPED
from harness.planning.plan import Plan, levels_of
from harness.progress import Reporter, Task
from harness.results import names
from harness.results.cell_record import CellRecord
from harness.results.mlflow_tracker import Tracker
from harness.results.outbox import Outbox
from harness.running.executors.executor import Employ, JobListener, listener
from harness.running.executors.local import Workers
from harness.running.job_lines import JobLines
from harness.running.pool import Job, JobOutcome, Pool
from harness.running.publication import publication
from harness.running.stage_lines import StageLines
from harness.running.thumbnails import thumbnail_publication
from harness.spans import Part, span
from harness.storage.store import Store

BY_CHANCE = 0.5
"""The AUC of who guesses."""


class Finished(NamedTuple):
    """A cell of a run: its entry's text, its seed, and what came of it, without scores, layers and mask.

    A run may have 100,000 of them, and each with all of its scores and weights would fill the memory.
    """

    entry: str
    seed: int
    record: CellRecord
    cutting: Cutting

    @classmethod
    def of(cls, entry: str, seed: int, record: CellRecord, cutting: Cutting) -> "Finished":
        """Return what is remembered of a cell; names of metrics are the same texts in all of them."""
        metrics = {sys.intern(name): value for name, value in record.metrics.items()}
        said = CellRecord(density=record.density, status=record.status, reason=record.reason, metrics=metrics)
        return cls(entry, seed, said, cutting)


@dataclass
class Summary:
    """How a run went: its cells, results that MLflow did not take, and the number of stages that others cannot fetch.

    These are on this machine alone, since the object storage that the store mirrors did not take them.
    """

    cells: list[Finished] = field(default_factory=list)
    unpublished: list[str] = field(default_factory=list)
    unshared: int = 0

    @property
    def failed(self) -> list[Finished]:
        """Cells that should have given a network and did not."""
        return [cell for cell in self.cells if cell.record.status in (names.FAILED, names.DIVERGED)]


def prepare(plan: Plan, reporter: Reporter) -> Plan:
    """Decode or draw all images once, and return the plan that knows it; every seed can then be cut from them."""
    with reporter.task(f"Reading the images of {plan.data.name}", 1, "images") as task:
        found = read_images(plan.data, Store(plan.store, watcher=StageLines(reporter)), task.update)
    for note in found.notes:
        reporter.note(f"note: {note}", style="yellow")
    for identity, reason in found.broken:
        reporter.warn(f"left out: {identity}: {reason}")
    for seed in plan.seeds:
        parts(plan.data, plan.store, seed)
    return with_images(plan, found)


def with_images(plan: Plan, found: ImageSet) -> Plan:
    """Return a plan whose images were read; its workers need no file of the set."""
    return replace(plan, data=replace(plan.data, stage=found.stage))


class Onlooker(Protocol):
    """Hears of the jobs of all plans of a run, and knows from that how long it will take yet."""

    def of(self, plan: Plan) -> JobListener:
        """Return who hears of a plan's jobs."""
        ...

    def seconds_left(self) -> float | None:
        """Return the seconds until the last job ends, None where nobody can tell yet."""
        ...


def execute(
    plans: Sequence[Plan],
    tracker: Tracker,
    reporter: Reporter,
    command: str,
    onlooker: Callable[[], Onlooker | None] = lambda: None,
    employ: Employ = Workers,
    *,
    pictures: bool = False,
) -> Summary:
    """Run every job of the plans, one a fold and ratio, and publish each as it finishes.

    ``onlooker`` is asked for one when the images are read, ``employ`` for workers. ``pictures`` of tested positives
    are published, too, whatever the data set's licence says. Raises on interrupts and machine errors, and where the
    object storage that the store mirrors cannot be used from the first.
    """
    store = Store(plans[0].store)
    store.reach()
    with span(Part.DATA):
        plans = [prepare(plan, reporter) for plan in plans]
    with span(Part.ESTIMATE):
        looking = onlooker()
    publisher = Publisher(tracker, reporter, command, pictures=pictures)
    total = sum(plan.cell_count for plan in plans)
    with reporter.task("Training and scoring", total, "cells") as task:
        lines = CellLines(reporter, task, total)
        for plan in plans:
            jobs = JobLines(task, partial(_job_name, plan), partial(_job_levels, plan))
            if looking:
                jobs.look(looking.seconds_left, looking.of(plan))
            pool = Pool(plan, listener(plan, reporter, jobs), partial(lines, plan), employ=employ)
            for outcome in pool.run():
                publisher.take(plan, outcome)
    return replace(publisher.finish(), unshared=store.share_waiting())


class Publisher:
    """Publishes the jobs of a run as they finish, and sums up."""

    def __init__(self, tracker: Tracker, reporter: Reporter, command: str, *, pictures: bool = False) -> None:
        self.command, self.pictures = command, pictures
        self.summary = Summary()
        self._pictured: set[str] = set()
        self.outbox = Outbox(tracker.publish, partial(reporter.warn, style="bold red"))

    def take(self, plan: Plan, outcome: JobOutcome) -> None:
        """Publish one job's records."""
        entry, seed = plan.entries[outcome.job.entry], outcome.job.seed
        cutting = plan.data.cutting
        self.summary.cells.extend(Finished.of(entry.text, seed, record, cutting) for record in outcome.records)
        with span(Part.DATA):
            splits = splits_of(plan.data, plan.store, seed)
        with span(Part.MLFLOW):
            self._picture(plan, splits)
            self.outbox.send(publication(plan, entry, seed, outcome.records, splits, self.command))

    def _picture(self, plan: Plan, splits: Splits) -> None:
        """Publish the pictures of a test part once, where they may stand in public."""
        if splits.test.fingerprint in self._pictured or not (self.pictures or plan.data.dataset().thumbnails):
            return
        self._pictured.add(splits.test.fingerprint)
        self.outbox.send(thumbnail_publication(plan, splits))

    def finish(self) -> Summary:
        """Publish what is left, and return the summary; what MLflow did not take is named in it."""
        self.summary.unpublished = self.outbox.finish()
        return self.summary


@dataclass
class CellLines:
    """Told each cell as it comes: a line for it, and the task's progress."""

    reporter: Reporter
    task: Task
    total: int
    done: int = 0

    def __call__(self, plan: Plan, job: Job, record: CellRecord, detail: str) -> None:
        """Print one cell, with the traceback of its failure."""
        self.done += 1
        where = _of(job.seed, plan.data.cutting)
        count = f"[{self.done}/{self.total}] {plan.entries[job.entry].text} {where} at {100 * record.density:g} %"
        if record.status == names.DONE:
            self.reporter.note(f"{count}: {_figures(record)}")
            if plan.trained and plan.entries[job.entry].text == names.DENSE and _auc(record) < BY_CHANCE:
                self.reporter.warn(_wrong_way_round(plan), style="bold red")
        else:
            self.reporter.warn(f"{count}: {record.status}: {record.reason}", style="red")
            if detail:
                self.reporter.warn(detail.rstrip(), style="dim")
        self.task.update(self.done)


def _wrong_way_round(plan: Plan) -> str:
    """Return what to do about a network that was trained elsewhere and seems to be read wrongly."""
    negative, positive = plan.data.dataset().classes
    other = int(plan.weights.startswith(TRAINED_SWAPPED))
    return (
        f"YOUR NETWORK RANKS THE CLASSES THE WRONG WAY ROUND, {positive!r} below {negative!r}: if its outputs are in"
        f" the other order, use --set trained_positive={other}; else see whether its images were prepared otherwise"
        " (docs/own-network.md)"
    )


def _job_name(plan: Plan, job: Job) -> str:
    return f"{plan.entries[job.entry].text} {_of(job.seed, plan.data.cutting)}"


def _job_levels(plan: Plan, job: Job) -> Sequence[float]:
    return levels_of(plan.entries[job.entry], plan.densities)


def _of(seed: int, cutting: Cutting) -> str:
    return ", ".join(part for part in (f"seed {seed}", cutting.words) if part)


def _figures(record: CellRecord) -> str:
    flag = ", collapsed" if record.metrics[names.COLLAPSED] else ""
    reason = f" ({record.reason})" if record.reason else ""
    return f"validation AUC {_auc(record):.3f}{flag}{reason}"


def _auc(record: CellRecord) -> float:
    return record.metrics[names.on(names.VALIDATION, names.AUC)]
