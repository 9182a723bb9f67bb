"""One job of a run, in a worker: an entry with one seed, scored on validation and then, once, on test."""

from dataclasses import dataclass
from multiprocessing.connection import Connection

from harness.planning.plan import Plan, levels_of
from harness.running.worker import announce_pretraining


@dataclass(frozen=True)
class Job:
    """One (entry, seed): its place in the plan's entries, and the seed."""

    entry: int
    seed: int


def run_job(plan: Plan, job: Job, connection: Connection) -> None:
    """Send one ``cell`` message per level: (index of the job's level, record, traceback of a failure)."""
    from harness.running.cell_record import record_of
    from harness.running.cells import cells, score_test  # torch, which the parent that sends jobs does without
    from harness.storage.store import Store

    store = Store(plan.store, wait=False, started=announce_pretraining(connection))
    entry = plan.entries[job.entry]
    for level, cell in enumerate(cells(plan, entry, job.seed, levels_of(entry, plan.densities), store)):
        connection.send(("cell", (level, record_of(*score_test(plan, cell, store)), cell.detail)))
