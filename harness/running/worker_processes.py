"""The parent's side of worker processes: spawned, given one job at a time, heard, and replaced when they die."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any

from harness import cuda
from harness.errors import HarnessError, MachineError
from harness.networks.architecture import Architecture
from harness.planning.plan import Plan
from harness.progress import Reporter
from harness.running.job_process import Work, how_it_died
from harness.running.worker import WORKER_VARIABLES, serve

LISTEN_S = 0.5
STOP_S = 5.0
_CONTEXT = get_context("spawn")  # a fork keeps a dead holder's lock


@dataclass(eq=False)
class Worker:
    """One process, and the job that it has in hand; its ``place`` among the workers chooses its GPU."""

    process: BaseProcess
    connection: Connection
    place: int
    job: Any = None
    ready: bool = False


@dataclass(frozen=True)
class Message:
    """What a worker said about a job: a kind of its `Work`, ``done``, ``busy``, or ``died``.

    Of a job that died ``payload`` is how, and ``detail`` the traceback or what its process wrote.
    """

    worker: Worker
    job: Any
    kind: str
    payload: Any = None
    detail: str = ""


class JobListener:
    """Told of jobs as workers take them up, speak of them, and end them; this one does nothing with it."""

    def began(self, job: Any) -> None:
        """Hear that a worker has a job in hand."""

    def told(self, job: Any, kind: str, payload: Any) -> None:
        """Hear what a job says: a result of its `Work`, ``steps``, or ``stage``."""

    def ended(self, job: Any, kind: str) -> None:
        """Hear that a worker no longer has a job: it is ``done``, it ``died``, or it is put back as ``busy``."""


@dataclass
class Listener:
    """Told while workers work: networks about to be pretrained, warnings, what methods print, and how jobs go."""

    pretraining: Callable[[Architecture], None] = lambda _: None
    warning: Callable[[str], None] = lambda _: None
    output: Callable[[str], None] = lambda _: None
    jobs: JobListener = field(default_factory=JobListener)


class Workers:
    """``count`` processes that have ``work`` done under ``plan``, each job in a process of its own, in a with block.

    Where the plan's device is CUDA they take turns at the GPUs: each sees one alone, and so do its jobs.
    """

    def __init__(self, plan: Plan, work: Work, count: int, listener: Listener) -> None:
        self.plan, self.work, self.count, self.listener = plan, work, count, listener
        self.workers: list[Worker] = []
        self.devices: tuple[str, ...] = ()
        self._kept: dict[str, str | None] = {}

    def __enter__(self) -> "Workers":
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

    def __exit__(self, _kind: type | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
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
            worker.connection.send(job)
        except OSError:
            return False
        worker.job = job
        self.listener.jobs.began(job)
        return True

    def heard(self) -> Iterator[Message]:
        """Yield what the workers said, after waiting a little while. Raises the `HarnessError` that ends the run."""
        connections: dict[Any, Worker] = {worker.connection: worker for worker in self.workers}
        for connection in wait(list(connections), timeout=LISTEN_S):
            message = self._receive(connections[connection])
            if message is not None:
                yield message

    def _receive(self, worker: Worker) -> Message | None:
        try:
            kind, payload = worker.connection.recv()
        except (EOFError, OSError):  # also in the middle of a message
            return self._died(worker)
        if kind == "ready":
            worker.ready = True
        elif kind == "pretraining":
            self.listener.pretraining(payload)
        elif kind == "warning":
            self.listener.warning(payload)
        elif kind == "output":
            self.listener.output(payload)
        elif kind == "error":
            raise payload
        elif kind in ("steps", "stage"):
            self.listener.jobs.told(worker.job, kind, payload)
        else:
            return self._of_a_job(worker, kind, payload)
        return None

    def _of_a_job(self, worker: Worker, kind: str, payload: Any) -> Message:
        message = Message(worker, worker.job, kind, *(payload if kind == "died" else [payload]))
        if kind in ("done", "busy", "died"):
            worker.job = None
            self.listener.jobs.ended(message.job, kind)
        else:
            self.listener.jobs.told(message.job, kind, payload)
        return message

    def _died(self, worker: Worker) -> Message | None:
        """Replace a dead worker; its job, if it had one, is told to have died."""
        worker.process.join()
        if worker.job is None and not worker.ready:
            raise _not_started(worker.process.exitcode or 0)
        self.workers[self.workers.index(worker)] = self._start(worker.place)
        if worker.job is None:
            return None
        self.listener.jobs.ended(worker.job, "died")
        return Message(worker, worker.job, "died", how_it_died(worker.process.exitcode))

    def _start(self, place: int) -> Worker:
        ours, theirs = _CONTEXT.Pipe()
        process = _CONTEXT.Process(target=serve, args=(theirs, self.plan, self.work))
        with _seeing(self.devices[place % len(self.devices)] if self.devices else None):
            process.start()
        theirs.close()
        return Worker(process, ours, place)

    def _end(self) -> None:
        for name, value in self._kept.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
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


def _not_started(exit_code: int) -> HarnessError:
    if exit_code >= 0:
        return HarnessError(f"a worker could not start (exit code {exit_code})")
    return MachineError(
        f"a worker could not start: {how_it_died(exit_code)}; every finished stage is kept",
        fix="free memory or use fewer --jobs, and run the same command again: it continues",
    )


def _stop(workers: list[Worker]) -> None:
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


def listener(plan: Plan, reporter: Reporter, jobs: JobListener | None = None) -> Listener:
    """Return what prints the workers' pretrainings and warnings, and what methods print; ``jobs`` hears of jobs."""

    def pretraining(architecture: Architecture) -> None:
        reporter.note(f"Pretraining {architecture} on {plan.pretraining.dataset}, once for this store")

    def warning(text: str) -> None:
        reporter.warn(f"warning: {text}")

    def output(text: str) -> None:
        reporter.note(f"a method printed: {text}", style="dim")

    return Listener(pretraining, warning, output, jobs or JobListener())
