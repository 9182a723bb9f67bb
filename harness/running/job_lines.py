"""What each worker does now, a line a worker."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.progress import Task
from harness.running.executors.executor import JobListener
from harness.running.job_watcher import StageEnd, Steps
from harness.running.stage_lines import in_words

MOST = 8
"""Lines that are shown, however many workers there are."""
RESULTS = ("cell", "level")
ASK_EVERY_S = 1.0
SHARE = 0.02
"""How long what is left is taken to be the same, and the part of the time that adding it up may take: of 100,000 cells
it takes two seconds.
"""


@dataclass
class _Now:
    job: Any
    results: int = 0
    steps: Steps | None = None


class JobLines(JobListener):
    """Told of jobs and what they say; shows it with a task. ``name`` and ``levels`` are a job's."""

    def __init__(
        self,
        task: Task,
        name: Callable[[Any], str],
        levels: Callable[[Any], Sequence[float]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._task, self._name, self._levels, self._clock = task, name, levels, clock
        self._ask_at = -math.inf
        self._seconds: float | None = None
        self._also = JobListener()
        self._left: Callable[[], float | None] = lambda: None
        self._now: dict[int, _Now] = {}  # by the job's own identity: a trial's cannot be hashed

    def look(self, left: Callable[[], float | None], also: JobListener) -> None:
        """Show the seconds that are ``left``, too; ``also`` hears of the same jobs, before they are shown."""
        self._left, self._also = left, also
        self._ask_at = -math.inf
        self.show()

    def began(self, job: Any) -> None:
        """Hear that a worker has a job in hand."""
        self._also.began(job)
        self._now[id(job)] = _Now(job)
        self.show()

    def told(self, job: Any, kind: str, payload: Any) -> None:
        """Hear what a job says."""
        self._also.told(job, kind, payload)
        now = self._now.setdefault(id(job), _Now(job))
        if kind in RESULTS:
            now.results += 1
        if isinstance(payload, Steps):
            now.steps = payload
        elif kind in RESULTS or isinstance(payload, StageEnd):
            now.steps = None
        if isinstance(payload, StageEnd):
            self._task.reporter.detail(f"{self._where(now)}: {in_words(payload)}")
        self.show()

    def ended(self, job: Any, kind: str) -> None:
        """Hear that a worker no longer has a job."""
        self._also.ended(job, kind)
        self._now.pop(id(job), None)
        self.show()

    def show(self) -> None:
        """Show what is known now."""
        if (began := self._clock()) >= self._ask_at:
            self._seconds = self._left()
            ended = self._clock()
            self._ask_at = began + max(ASK_EVERY_S, (ended - began) / SHARE)
        self._task.within(self._seconds, self.lines())

    def lines(self) -> list[str]:
        """Return a line for each job in hand, the longest running one first."""
        found = [f"{self._where(now)}{_step(now.steps)}" for now in self._now.values()]
        more = len(found) - MOST
        return found if more <= 0 else [*found[: MOST - 1], f"and {more + 1} more workers"]

    def _where(self, now: _Now) -> str:
        levels = self._levels(now.job)
        level = f" at {100 * levels[now.results]:g} %" if now.results < len(levels) else ""
        return f"{self._name(now.job)}{level}"


def _step(steps: Steps | None) -> str:
    if steps is None:
        return ""
    if steps.kind == "compute":
        return f": {steps.what.rpartition('.')[2].replace('_', ' ').strip()}"
    what = {"train": "training", "pretrain": f"pretraining {steps.what}", "probe": "the probe"}[steps.kind]
    return f": {what}, step {steps.done} of {steps.of}" if steps.of else f": {what}"
