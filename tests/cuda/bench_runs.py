"""Presets on real images as `harness run` does them: all workers, each job in a process of its own, scored on test."""

import contextlib
import hashlib
import importlib.util
import shutil
import signal
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench_plans import plans_of, reporter

from harness.forecast.worker_count import NAME, with_workers
from harness.planning.plan import Plan
from harness.results import names
from harness.results.cell_record import CellRecord
from harness.running.executors.executor import JobListener, Listener, listener
from harness.running.executors.local import Workers
from harness.running.pool import Job, JobOutcome, Pool
from harness.running.run import prepare
from harness.storage.store import Store

if TYPE_CHECKING:
    from bench import Given

METHODS = ["magnitude", "lt", "snip"]
SEEDS = 3
BUNDLE_S = 15.0
"""That publishing and the bundle may take after the last job."""

Line = dict[str, Any]


class Clock(JobListener):
    """Notes when each job began, first spoke, and ended."""

    def __init__(self) -> None:
        self.began_at: dict[Job, float] = {}
        self.spoke: dict[Job, float] = {}
        self.took: dict[Job, float] = {}

    def began(self, job: Any) -> None:
        """Note that a worker has it in hand."""
        self.began_at[job] = time.monotonic()
        self.spoke.pop(job, None)

    def told(self, job: Any, kind: str, payload: Any) -> None:
        """Note its first word."""
        self.spoke.setdefault(job, time.monotonic() - self.began_at[job])

    def ended(self, job: Any, kind: str) -> None:
        """Note what it took."""
        self.took[job] = time.monotonic() - self.began_at[job]


def touch(plan: Plan, job: Any, line: Any) -> None:
    """Do what the shortest job would: use the device once."""
    import torch

    started = time.monotonic()
    torch.ones(8, 8, device=plan.training.device).sum().item()
    line.send(("cell", time.monotonic() - started))


def quick_lines(given: "Given") -> Iterator[Line]:
    """Yield the cells of two runs of `quick`, their seconds, what a job's start takes, and whether they agree."""
    scores: list[dict[tuple[Any, ...], str]] = []
    for turn, share in (("first", 0.55), ("second", 1.0)):
        store = given.stores / f"quick-{turn}"
        plans = measured(given, plans_of(given, "quick", store, methods=METHODS, seeds=SEEDS))
        began, clock, found = time.monotonic(), Clock(), list[tuple[Job, CellRecord]]()
        for _, outcome in run(plans, began + share * (given.until - began), clock):
            found += [(outcome.job, record) for record in outcome.records]
        for job, record in found if turn == "first" else []:
            yield {"preset": "quick", **cell(plans[0], job, record)}
        yield {
            "preset": "quick",
            "run": turn,
            "wall_seconds": round(time.monotonic() - began, 1),
            "cells": len(found),
            "asked": sum(plan.cell_count for plan in plans),
            "workers": plans[0].jobs,
            "job_first_word_s": median(clock.spoke.values()),
            "job_s": median(clock.took.values()),
            **trained(store),
        }
        scores.append({(job.entry, job.seed, record.density): hashed(record) for job, record in found})
        if turn == "first":
            yield from starts(plans[0])
    twice = scores[0].keys() & scores[1].keys()
    same = sum(scores[0][one] == scores[1][one] for one in twice)
    yield {"preset": "quick", "run_twice": len(twice), "same_bits": same}


def standard_lines(given: "Given") -> Iterator[Line]:
    """Yield the cells of `standard`, fold by fold, until the time is over; then the bundle of what is whole."""
    store = given.stores / "standard"
    plans = measured(given, plans_of(given, "standard", store, methods=METHODS))
    publisher = publishing(plans[0])
    began, clock, cells = time.monotonic(), Clock(), 0
    for plan, outcome in run(plans, given.until - BUNDLE_S, clock):
        for record in outcome.records:
            cells += 1
            yield {"preset": "standard", "fold": plan.data.cutting.fold, **cell(plan, outcome.job, record)}
        if publisher:
            publisher.take(plan, outcome)
    yield {
        "preset": "standard",
        "wall_seconds": round(time.monotonic() - began, 1),
        "cells": cells,
        "asked": sum(plan.cell_count for plan in plans),
        "workers": plans[0].jobs,
        "job_s": median(clock.took.values()),
        **trained(store),
    }
    if publisher and cells:
        yield {"preset": "standard", "unpublished": publisher.finish().unpublished, **bundled(plans[0], given.out)}


def measured(given: "Given", plans: Sequence[Plan]) -> list[Plan]:
    """Return the plans with as many workers as `harness run` would have; what one store remembers the next need not."""
    known, mine = given.stores / "workers" / NAME, plans[0].store / NAME
    if known.exists():
        mine.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(known, mine)
    if plans[0].training.device != "cuda":
        return [*plans]
    jobs = with_workers(plans[0], reporter()).jobs
    return [replace(plan, jobs=jobs) for plan in plans]


def run(plans: Sequence[Plan], until: float, clock: Clock) -> Iterator[tuple[Plan, JobOutcome]]:
    """Yield each job as it ends, until the time is over; who then stops asking ends the workers."""
    for plan in plans:
        prepare(plan, reporter())
        pool = Pool(plan, listener(plan, reporter(), clock), told)
        with contextlib.closing(pool.run()) as outcomes, contextlib.suppress(TimeOver):
            while outcome := next_before(outcomes, until):
                yield plan, outcome
            continue
        return


class TimeOver(Exception):  # noqa: N818
    """A run has had its time."""


def next_before(outcomes: Iterator[JobOutcome], until: float) -> JobOutcome | None:
    """Return the next job that ends, None where there is none. Raises `TimeOver` once the time is over."""

    def over(*_: object) -> None:
        raise TimeOver

    signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, max(until - time.monotonic(), 0.01))
    try:
        return next(outcomes, None)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def told(job: Job, record: CellRecord, detail: str) -> None:
    """Show on the other stream why a cell failed."""
    if record.status == names.FAILED:
        reporter().warn(f"{job}: {record.reason}\n{detail}")


def starts(plan: Plan) -> Iterator[Line]:
    """Yield what it takes until a worker is ready, and what the shortest job takes from end to end."""
    prepare(plan, reporter())
    began = time.monotonic()
    with Workers(plan, touch, 1, Listener()) as workers:
        while not (idle := [*workers.idle()]):
            list(workers.heard())
        ready = time.monotonic() - began
        whole, device = [], []
        for number in range(4):
            began = time.monotonic()
            workers.give(idle[0], number)
            while workers.busy:
                device += [message.payload for message in workers.heard() if message.kind == "cell"]
            whole.append(time.monotonic() - began)
    yield {"worker_ready_s": round(ready, 2), "shortest_job_s": median(whole), "of_it_first_use_s": median(device)}


def publishing(plan: Plan) -> Any:
    """Return who publishes jobs as they end, None where MLflow is not here."""
    if importlib.util.find_spec("mlflow") is None:
        return None
    from harness.results.mlflow_tracker import Tracker, default_uri
    from harness.running.run import Publisher

    return Publisher(Tracker(default_uri(plan.store), plan.store, plan.data.name), reporter(), "harness run")


def bundled(plan: Plan, out: Path) -> Line:
    """Return what was written as a bundle of all that is published."""
    from harness.results.mlflow_tracker import Tracker, default_uri
    from harness.submissions.writing import Submitter, write_bundle

    tracker = Tracker(default_uri(plan.store), plan.store, plan.data.name)
    file = out / "standard.zip"
    written = write_bundle(tracker, file.absolute(), Submitter(author="bench", code=""), masks=False)
    return {"bundle": file.name, "runs": written.runs, "levels": written.levels, "bytes": written.bytes}


def cell(plan: Plan, job: Job, record: CellRecord) -> Line:
    """Return a cell in short."""
    figures = {name: record.metrics.get(name) for name in ("test/auc", names.STEPS, names.SECONDS)}
    of = {"entry": plan.entries[job.entry].text, "seed": job.seed, "density": record.density}
    failed = {} if record.status == names.DONE else {"reason": record.reason}
    return {**of, "status": record.status, **failed, **figures, "scores": hashed(record)}


def hashed(record: CellRecord) -> str:
    """Return a hash of all scores."""
    return hashlib.sha256(repr((record.validation_scores, record.test_scores)).encode()).hexdigest()[:16]


def trained(place: Path) -> Line:
    """Return how many trainings a store holds, their steps, and how many of them a second one process took."""
    store = Store(place)
    stages = [store.find(folder.name) for folder, kind in store.folders() if kind == "train"]
    seconds = sum(stage.seconds for stage in stages if stage)
    steps = sum(stage.value["steps"] for stage in stages if stage)
    return {
        "trainings": len(stages),
        "steps": steps,
        "steps_a_second_each": round(steps / seconds, 1) if seconds else 0,
    }


def median(values: Any) -> float | None:
    """Return the median, to the millisecond."""
    return round(statistics.median(values), 3) if (values := [*values]) else None
