"""One run from plan to published results: decode, work, publish, and say honestly what is not done."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from harness.data.loading import decoded, test_split, training_splits
from harness.errors import MachineError
from harness.planning.plan import Plan
from harness.progress import Reporter, Task
from harness.pruning.dense import DENSE
from harness.results.mlflow_tracker import Tracker
from harness.results.reading import dense_problem
from harness.running.cell_record import CellRecord
from harness.running.pool import CellListener, Job, JobOutcome, Pool
from harness.running.publication import Splits, publication
from harness.running.worker_processes import listener
from harness.storage.store import Store


@dataclass
class Summary:
    """How a run went: its cells, and results that MLflow did not take."""

    records: list[tuple[str, int, CellRecord]] = field(default_factory=list)
    unpublished: list[str] = field(default_factory=list)

    @property
    def failed(self) -> list[tuple[str, int, CellRecord]]:
        """Cells that should have given a network and did not."""
        return [record for record in self.records if record[2].status in ("failed", "diverged")]

    @property
    def void(self) -> list[str]:
        """What is wrong with the dense reference of each seed whose comparisons mean nothing."""
        return [
            f"the dense network of seed {seed} {problem}"
            for entry, seed, record in self.records
            if entry == DENSE and (problem := dense_problem(record.status, record.metrics.get("validation/auc")))
        ]


def prepare(plan: Plan, reporter: Reporter) -> Splits:
    """Decode or draw all images once and return the three splits."""
    store = Store(plan.store)
    for split in ("train", "test"):
        with reporter.task(f"Reading the {split} images of {plan.data.name}", 1, "images") as task:
            decoded(plan.data, split, store, task.update)
    train, validation = training_splits(plan.data, plan.store)
    return Splits(train, validation, test_split(plan.data, plan.store))


def execute(plan: Plan, tracker: Tracker, reporter: Reporter, command: str) -> Summary:
    """Run every job of the plan and publish each as it finishes. Raises on interrupts and machine errors."""
    splits = prepare(plan, reporter)
    summary = Summary()
    with reporter.task("Training and scoring", plan.cell_count, "cells") as task:
        pool = Pool(plan, listener(plan, reporter), _cell_listener(plan, reporter, task))
        _publish_all(plan, pool.run(), splits, tracker, summary, reporter, command)
    return summary


def _publish_all(
    plan: Plan,
    outcomes: Iterable[JobOutcome],
    splits: Splits,
    tracker: Tracker,
    summary: Summary,
    reporter: Reporter,
    command: str,
) -> None:
    for outcome in outcomes:
        entry, seed = plan.entries[outcome.job.entry], outcome.job.seed
        summary.records += [(entry.text, seed, record) for record in outcome.records]
        if summary.unpublished:  # one time-out is enough: the next run publishes the rest
            summary.unpublished.append(f"{entry.text} seed {seed}")
            continue
        try:
            tracker.publish(publication(plan, entry, seed, outcome.records, splits, command))
        except MachineError as error:
            reporter.note(str(error), style="bold red")
            summary.unpublished.append(f"{entry.text} seed {seed}")


def _cell_listener(plan: Plan, reporter: Reporter, task: Task) -> CellListener:
    done = 0

    def cell(job: Job, record: CellRecord, detail: str) -> None:
        nonlocal done
        done += 1
        name = f"{plan.entries[job.entry].text} seed {job.seed} at {100 * record.density:g} %"
        if record.status == "done":
            auc = record.metrics["validation/auc"]
            flag = ", collapsed" if record.metrics["flag/collapsed"] else ""
            reason = f" ({record.reason})" if record.reason else ""
            reporter.note(f"[{done}/{plan.cell_count}] {name}: validation AUC {auc:.3f}{flag}{reason}")
        else:
            reporter.note(f"[{done}/{plan.cell_count}] {name}: {record.status}: {record.reason}", style="red")
            if detail:
                reporter.note(detail.rstrip(), style="dim")
        task.update(done)

    return cell
