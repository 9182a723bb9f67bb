"""Workers that are processes of this machine: spawned, given one job at a time, heard, and replaced when they die."""

import contextlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Self, cast

from harness import cuda
from harness.errors import HarnessError, MachineError
from harness.planning.plan import Plan
from harness.running.executors.executor import Listener, Message, Worker
from harness.running.job_process import Work, how_it_died
from harness.running.worker import WORKER_VARIABLES, serve
from harness.spans import Part, span

LISTEN_S = 0.5
STOP_S = 5.0
_CONTEXT = get_context("spawn")  # a fork keeps a dead holder's lock


@dataclass(eq=False, kw_only=True)
class WorkerProcess(Worker):
    """One process, and the job that it has in hand; its ``place`` among the workers chooses its GPU."""

    process: BaseProcess
    connection: Connection
    place: int


class Workers:
    """``count`` processes that have ``work`` done under ``plan``, each job in a process of its own, in a with block.

    Where the plan's device is CUDA they take turns at the GPUs: each sees one alone, and so do its jobs.
    """

    def __init__(self, plan: Plan, work: Work, count: int, listener: Listener) -> None:
        self.plan, self.work, self.count, self.listener = plan, work, count, listener
        self.workers: list[WorkerProcess] = []
        self.devices: tuple[str, ...] = ()
        self._kept: dict[str, str | None] = {}

    def __enter__(self) -> Self:
        self._kept = {name: os.environ.get(name) for name in WORKER_VARIABLES}
        os.environ.update(WORKER_VARIABLES)  # read when the child imports numpy and torch
        try:
            self.devices = devices_of(self.plan)
            for place in range(self.count):
                self.workers.append(self._start(place))
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *raised: object) -> None:
        self._end()

    @property
    def busy(self) -> bool:
        """Whether any worker has a job in hand."""
        return any(worker.job is not None for worker in self.workers)

    def idle(self) -> Iterator[Worker]:
        """Yield the workers that could take a job now."""
        return (worker for worker in self.workers if worker.ready and worker.job is None)

    def give(self, worker: Worker, job: Any) -> bool:
        """Hand a job to an idle worker; False where it died while it was idle, which `heard` will meet."""
        try:
            cast("WorkerProcess", worker).connection.send(job)
        except OSError:
            return False
        worker.spent()
        worker.job = job
        self.listener.jobs.began(job)
        return True

    def answer(self, worker: Worker, *, goes_on: bool) -> None:
        """Say to a worker's job, which asked, whether it goes on."""
        with contextlib.suppress(OSError):  # it has just died, which is its next message
            cast("WorkerProcess", worker).connection.send(goes_on)

    def heard(self) -> Iterator[Message]:
        """Yield what the workers said, after waiting a little while. Raises the `HarnessError` that ends the run."""
        connections: dict[Any, WorkerProcess] = {worker.connection: worker for worker in self.workers}
        with span(Part.WAITING):
            speaking = wait(list(connections), timeout=LISTEN_S)
        for connection in speaking:
            message = self._receive(connections[connection])
            if message is not None:
                yield message

    def _receive(self, worker: WorkerProcess) -> Message | None:
        try:
            kind, payload = worker.connection.recv()
        except (EOFError, OSError):  # also in the middle of a message
            return self._died(worker)
        return self.listener.heard(worker, kind, payload)

    def _died(self, worker: WorkerProcess) -> Message | None:
        """Replace a dead worker; its job, if it had one, is told to have died."""
        worker.process.join()
        if worker.job is None and not worker.ready:
            raise not_started(worker.process.exitcode or 0)
        self.workers[self.workers.index(worker)] = self._start(worker.place)
        if worker.job is None:
            return None
        return self.listener.heard(worker, "died", (how_it_died(worker.process.exitcode), ""))

    def _start(self, place: int) -> WorkerProcess:
        ours, theirs = _CONTEXT.Pipe()
        process = _CONTEXT.Process(target=serve, args=(theirs, self.plan, self.work))
        with _seeing(self.devices[place % len(self.devices)] if self.devices else None):
            process.start()
        theirs.close()
        return WorkerProcess(process=process, connection=ours, place=place)

    def _end(self) -> None:
        for name, value in self._kept.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        for worker in self.workers:
            worker.spent()
        _stop(self.workers)


def devices_of(plan: Plan) -> tuple[str, ...]:
    """Return the names of the GPUs that workers take turns at, as the driver reads them; none on the CPU."""
    return cuda.visible() if plan.training.device == "cuda" else ()


@contextmanager
def _seeing(device: str | None) -> Iterator[None]:
    """Let a process that is started in the block see one GPU alone."""
    before = os.environ.get(cuda.VISIBLE)
    if device is not None:
        os.environ[cuda.VISIBLE] = device
    try:
        yield
    finally:
        if before is not None:
            os.environ[cuda.VISIBLE] = before
        elif device is not None:
            del os.environ[cuda.VISIBLE]


def not_started(exit_code: int) -> HarnessError:
    """Return the error that ends a run whose worker ended before it was ready."""
    if exit_code >= 0:
        return HarnessError(f"a worker could not start (exit code {exit_code})")
    return MachineError(
        f"a worker could not start: {how_it_died(exit_code)}; every finished stage is kept",
        fix="free memory or use fewer --jobs, and run the same command again: it continues",
    )


def _stop(workers: list[WorkerProcess]) -> None:
    """End workers at once: the stage that each has in hand is lost up to the last checkpoint, nothing else."""
    for worker in workers:
        worker.connection.close()
        worker.process.terminate()
    until = time.monotonic() + STOP_S
    for worker in workers:
        worker.process.join(timeout=max(until - time.monotonic(), 0))
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
