"""Who has jobs done, seen by those who have jobs: workers that take one job at a time, and what they say."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from harness.networks.architecture import Architecture
from harness.planning.plan import Plan
from harness.progress import Reporter
from harness.running.job_process import Work
from harness.spans import SPANS, Part, Spent


@dataclass(eq=False, kw_only=True)
class Worker:
    """Whoever takes one job at a time, and the job that it has in hand."""

    job: Any = None
    ready: bool = False
    since: float = field(default_factory=time.monotonic)
    """Until when its time is counted."""

    def spent(self) -> None:
        """Count its time until now but for what its job has told: it waits for one, or its process comes or goes."""
        now = time.monotonic()
        part = Part.WAITING if self.ready and self.job is None else Part.PROCESSES
        SPANS.of_jobs({part: Spent(0.0, now - self.since)})
        self.since = now


@dataclass(frozen=True)
class Message:
    """What a worker said about a job: a kind of its `Work`, ``done``, ``busy``, ``died``, or ``lost``.

    Of a job that died ``payload`` is how, and ``detail`` the traceback or what its process wrote. A job that is lost
    went with its worker's machine, for which it is not to blame: ``payload`` is how that went.
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

    def heard(self, worker: Worker, kind: str, payload: Any) -> Message | None:
        """Take in what a worker says; return what is about its job. Raises the `HarnessError` that ends the run."""
        if kind == "ready":
            worker.spent()
            worker.ready = True
        elif kind == "spent":
            SPANS.of_jobs(payload)
            worker.since += sum(part.clock for part in payload.values())
        elif kind == "pretraining":
            self.pretraining(payload)
        elif kind == "warning":
            self.warning(payload)
        elif kind == "output":
            self.output(payload)
        elif kind == "error":
            raise payload
        elif kind in ("steps", "stage"):
            self.jobs.told(worker.job, kind, payload)
        elif kind in ("done", "busy", "died", "lost"):
            return self._ended(worker, kind, payload)
        else:
            self.jobs.told(worker.job, kind, payload)
            return Message(worker, worker.job, kind, payload)
        return None

    def _ended(self, worker: Worker, kind: str, payload: Any) -> Message:
        message = Message(worker, worker.job, kind, *(payload if kind == "died" else [payload]))
        worker.spent()
        worker.job = None
        self.jobs.ended(message.job, "busy" if kind == "lost" else kind)
        return message


class Executor(Protocol):
    """Workers that have one kind of work done under a plan, in a with block. What they do is the same everywhere."""

    def __enter__(self) -> Self:
        """Start the workers, which say that they are ready one by one."""
        ...

    def __exit__(self, *raised: object) -> None:
        """End them at once: the stage that each has in hand is lost up to the last checkpoint, nothing else."""
        ...

    @property
    def busy(self) -> bool:
        """Whether any worker has a job in hand."""
        ...

    def idle(self) -> Iterator[Worker]:
        """Yield the workers that could take a job now."""
        ...

    def give(self, worker: Worker, job: Any) -> bool:
        """Hand a job to an idle worker; False where it died while it was idle, which `heard` will meet."""
        ...

    def answer(self, worker: Worker, *, goes_on: bool) -> None:
        """Say to a worker's job, which asked, whether it goes on; where it is gone, its next message says that."""
        ...

    def heard(self) -> Iterator[Message]:
        """Yield what the workers said, after waiting a little while. Raises the `HarnessError` that ends the run."""
        ...


Employ = Callable[[Plan, Work, int, Listener], Executor]
"""Returns so many workers, or fewer where a cluster has no room yet, for one kind of work under a plan."""


def listener(plan: Plan, reporter: Reporter, jobs: JobListener | None = None) -> Listener:
    """Return what prints the workers' pretrainings and warnings, and what methods print; ``jobs`` hears of jobs."""

    def pretraining(architecture: Architecture) -> None:
        reporter.note(f"Pretraining {architecture} on {plan.pretraining.dataset}, once for this store")

    def warning(text: str) -> None:
        reporter.warn(f"warning: {text}")

    def output(text: str) -> None:
        reporter.note(f"a method printed: {text}", style="dim")

    return Listener(pretraining, warning, output, jobs or JobListener())
