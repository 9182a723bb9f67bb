"""A pool of spawned one-thread workers over (entry, seed) jobs; the store does the coordinating."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from harness.architecture import Architecture
from harness.errors import HarnessError
from harness.plan import Plan, levels_of
from harness.records import CellRecord
from harness.worker import WORKER_VARIABLES, Job, serve

RETRY_BUSY_S = 0.5
_CONTEXT = get_context("spawn")  # a fork keeps a dead holder's lock


@dataclass
class JobOutcome:
    """The records of one finished job, densest first."""

    job: Job
    records: list[CellRecord]


@dataclass
class Listener:
    """What the pool tells while it works: each cell as it comes, networks being pretrained, and warnings."""

    cell: Callable[[Job, CellRecord, str], None] = lambda *_: None
    pretraining: Callable[[Architecture], None] = lambda _: None
    warning: Callable[[str], None] = lambda _: None


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    job: Job | None = None
    ready: bool = False
    records: dict[int, CellRecord] = field(default_factory=dict)


class Pool:
    """Runs all jobs of a plan. A job whose stage another worker computes is put back and tried again later."""

    def __init__(self, plan: Plan, listener: Listener) -> None:
        self.plan, self.listener = plan, listener
        self.waiting = deque(Job(entry, seed) for seed in plan.seeds for entry in range(len(plan.entries)))
        self.retry_at: dict[Job, float] = {}
        self.reported: dict[Job, set[int]] = {}
        self.workers: list[_Worker] = []

    def run(self) -> Iterator[JobOutcome]:
        """Yield each job as it finishes. A worker that dies costs its job's cells, not the run."""
        with self._started():
            while self.waiting or any(worker.job for worker in self.workers):
                self._assign()
                for worker in self._heard():
                    outcome = self._receive(worker)
                    if outcome is not None:
                        yield outcome

    @contextmanager
    def _started(self) -> Iterator[None]:
        count = min(self.plan.jobs, len(self.waiting))
        kept = {name: os.environ.get(name) for name in WORKER_VARIABLES}
        os.environ.update(WORKER_VARIABLES)  # read when the child imports numpy and torch
        try:
            self.workers = [self._start() for _ in range(count)]
            yield
        finally:
            for name, value in kept.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
            for worker in self.workers:
                _stop(worker)

    def _start(self) -> _Worker:
        ours, theirs = _CONTEXT.Pipe()
        process = _CONTEXT.Process(target=serve, args=(theirs, self.plan), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours)

    def _assign(self) -> None:
        now = time.monotonic()
        for worker in self.workers:
            if not worker.ready or worker.job is not None:
                continue
            job = next((job for job in self.waiting if self.retry_at.get(job, 0.0) <= now), None)
            if job is None:
                return
            try:
                worker.connection.send(job)
            except OSError:  # it died while it was idle: `_heard` meets its end and replaces it
                continue
            self.waiting.remove(job)
            worker.job, worker.records = job, {}

    def _heard(self) -> list[_Worker]:
        connections: dict[Any, _Worker] = {worker.connection: worker for worker in self.workers}
        return [connections[ready] for ready in wait(list(connections), timeout=RETRY_BUSY_S)]

    def _receive(self, worker: _Worker) -> JobOutcome | None:
        try:
            kind, payload = worker.connection.recv()
        except (EOFError, ConnectionError):
            return self._died(worker)
        if kind == "ready":
            worker.ready = True
        elif kind == "pretraining":
            self.listener.pretraining(payload)
        elif kind == "warning":
            self.listener.warning(payload)
        elif kind == "error":
            raise payload
        elif kind == "crash":
            raise HarnessError(f"a worker failed in a way that we did not foresee:\n{payload}")
        elif kind == "cell":
            self._cell(worker, *payload)
        elif worker.job is not None:
            return self._finished(worker, busy=kind == "busy")
        return None

    def _cell(self, worker: _Worker, level: int, record: CellRecord, detail: str) -> None:
        assert worker.job is not None
        worker.records[level] = record
        told = self.reported.setdefault(worker.job, set())
        if level not in told:  # a job that was put back replays its first cells
            told.add(level)
            self.listener.cell(worker.job, record, detail)

    def _finished(self, worker: _Worker, *, busy: bool) -> JobOutcome | None:
        job, worker.job = worker.job, None
        assert job is not None
        if busy:
            self.retry_at[job] = time.monotonic() + RETRY_BUSY_S
            self.waiting.append(job)
            return None
        return JobOutcome(job, [worker.records[level] for level in sorted(worker.records)])

    def _died(self, worker: _Worker) -> JobOutcome | None:
        """Replace a dead worker; its job's unfinished cells are failed, with how it died."""
        worker.process.join()
        self.workers[self.workers.index(worker)] = self._start()
        job = worker.job
        if job is None:
            if not worker.ready:
                raise HarnessError(f"a worker could not start (exit code {worker.process.exitcode})")
            return None
        levels = levels_of(self.plan.entries[job.entry], self.plan.densities)
        for level, density in enumerate(levels):
            if level not in worker.records:
                reason = _how_it_died(worker.process.exitcode)
                self._cell(worker, level, CellRecord(density=density, status="failed", reason=reason), "")
        return JobOutcome(job, [worker.records[level] for level in sorted(worker.records)])


def _how_it_died(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        likely = ", likely for want of memory" if exit_code == -9 else ""
        return f"the worker was killed by signal {-exit_code}{likely}"
    return f"the worker ended with exit code {exit_code} in the middle of the job"


def _stop(worker: _Worker) -> None:
    """End a worker at once: its stage in hand is lost up to the last checkpoint, nothing else."""
    worker.connection.close()
    worker.process.terminate()
    worker.process.join(timeout=5)
    if worker.process.is_alive():
        worker.process.kill()
        worker.process.join()
