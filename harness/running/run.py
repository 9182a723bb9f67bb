"""One run from plan to published results: decode, work, publish, and say honestly what is not done."""

from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from harness.data.loading import parts, read_images, splits_of
from harness.planning.plan import Plan
from harness.progress import Reporter, Task
from harness.results import names
from harness.results.cell_record import CellRecord
from harness.results.mlflow_tracker import Tracker
from harness.results.outbox import Outbox
from harness.results.reading import dense_problem
from harness.running.pool import Job, JobOutcome, Pool
from harness.running.publication import publication
from harness.running.worker_processes import listener
from harness.storage.store import Store


class Finished(NamedTuple):
    """A cell of a run: its entry's text, its seed, and what came of it."""

    entry: str
    seed: int
    record: CellRecord


@dataclass
class Summary:
    """How a run went: its cells, and results that MLflow did not take."""

    cells: list[Finished] = field(default_factory=list)
    unpublished: list[str] = field(default_factory=list)

    @property
    def failed(self) -> list[Finished]:
        """Cells that should have given a network and did not."""
        return [cell for cell in self.cells if cell.record.status in (names.FAILED, names.DIVERGED)]

    @property
    def void(self) -> list[str]:
        """What is wrong with the dense reference of each seed whose comparisons mean nothing."""
        auc = names.on(names.VALIDATION, "auc")
        return [
            f"the dense network of seed {seed} {problem}"
            for entry, seed, record in self.cells
            if entry == names.DENSE and (problem := dense_problem(record.status, record.metrics.get(auc)))
        ]


def prepare(plan: Plan, reporter: Reporter) -> None:
    """Decode or draw all images once; every seed of the plan can then be cut from them."""
    with reporter.task(f"Reading the images of {plan.data.name}", 1, "images") as task:
        found = read_images(plan.data, Store(plan.store), task.update)
    for identity, reason in found.broken:
        reporter.note(f"left out: {identity}: {reason}", style="yellow")
    for seed in plan.seeds:
        parts(plan.data, plan.store, seed)


def execute(plan: Plan, tracker: Tracker, reporter: Reporter, command: str) -> Summary:
    """Run every job of the plan and publish each as it finishes. Raises on interrupts and machine errors."""
    prepare(plan, reporter)
    publisher = Publisher(plan, tracker, reporter, command)
    with reporter.task("Training and scoring", plan.cell_count, "cells") as task:
        for outcome in Pool(plan, listener(plan, reporter), CellLines(plan, reporter, task)).run():
            publisher.take(outcome)
    return publisher.finish()


class Publisher:
    """Publishes the jobs of a run as they finish, and sums up."""

    def __init__(self, plan: Plan, tracker: Tracker, reporter: Reporter, command: str) -> None:
        self.plan, self.command = plan, command
        self.summary = Summary()
        self.outbox = Outbox(tracker.publish, partial(reporter.note, style="bold red"))

    def take(self, outcome: JobOutcome) -> None:
        """Publish one job's records."""
        entry, seed = self.plan.entries[outcome.job.entry], outcome.job.seed
        self.summary.cells.extend(Finished(entry.text, seed, record) for record in outcome.records)
        splits = splits_of(self.plan.data, self.plan.store, seed)
        self.outbox.send(publication(self.plan, entry, seed, outcome.records, splits, self.command))

    def finish(self) -> Summary:
        """Publish what is left, and return the summary; what MLflow did not take is named in it."""
        self.summary.unpublished = self.outbox.finish()
        return self.summary


@dataclass
class CellLines:
    """Told each cell as it comes: a line for it, and the task's progress."""

    plan: Plan
    reporter: Reporter
    task: Task
    done: int = 0

    def __call__(self, job: Job, record: CellRecord, detail: str) -> None:
        """Print one cell, with the traceback of its failure."""
        self.done += 1
        name = f"{self.plan.entries[job.entry].text} seed {job.seed} at {100 * record.density:g} %"
        count = f"[{self.done}/{self.plan.cell_count}] {name}"
        if record.status == names.DONE:
            self.reporter.note(f"{count}: {_figures(record)}")
        else:
            self.reporter.note(f"{count}: {record.status}: {record.reason}", style="red")
            if detail:
                self.reporter.note(detail.rstrip(), style="dim")
        self.task.update(self.done)


def _figures(record: CellRecord) -> str:
    auc = record.metrics[names.on(names.VALIDATION, "auc")]
    flag = ", collapsed" if record.metrics[names.COLLAPSED] else ""
    reason = f" ({record.reason})" if record.reason else ""
    return f"validation AUC {auc:.3f}{flag}{reason}"
