"""What each worker does now, a line a worker."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.progress import Task
from harness.running.job_watcher import StageEnd, Steps
from harness.running.stage_lines import in_words
from harness.running.worker_processes import JobListener

MOST = 8
"""Lines that are shown, however many workers there are."""
RESULTS = ("cell", "level")


@dataclass
class _Now:
    results: int = 0
    steps: Steps | None = None


class JobLines(JobListener):
    """Told of jobs and what they say; shows it with a task. ``name`` and ``levels`` are a job's, ``left`` seconds."""

    def __init__(
        self,
        task: Task,
        name: Callable[[Any], str],
        levels: Callable[[Any], Sequence[float]],
        left: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._task, self._name, self._levels, self._left = task, name, levels, left
        self._now: dict[Any, _Now] = {}

    def began(self, job: Any) -> None:
        """Hear that a worker has a job in hand."""
        self._now[job] = _Now()
        self.show()

    def told(self, job: Any, kind: str, payload: Any) -> None:
        """Hear what a job says."""
        now = self._now.setdefault(job, _Now())
        if kind in RESULTS:
            now.results += 1
        if isinstance(payload, Steps):
            now.steps = payload
        elif kind in RESULTS or isinstance(payload, StageEnd):
            now.steps = None
        if isinstance(payload, StageEnd):
            self._task.reporter.detail(f"{self._where(job, now)}: {in_words(payload)}")
        self.show()

    def ended(self, job: Any) -> None:
        """Hear that a worker is done with a job, or has put it back."""
        self._now.pop(job, None)
        self.show()

    def show(self) -> None:
        """Show what is known now."""
        self._task.within(self._left(), self.lines())

    def lines(self) -> list[str]:
        """Return a line for each job in hand, the longest running one first."""
        found = [f"{self._where(job, now)}{_step(now.steps)}" for job, now in self._now.items()]
        more = len(found) - MOST
        return found if more <= 0 else [*found[: MOST - 1], f"and {more + 1} more workers"]

    def _where(self, job: Any, now: _Now) -> str:
        levels = self._levels(job)
        level = f" at {100 * levels[now.results]:g} %" if now.results < len(levels) else ""
        return f"{self._name(job)}{level}"


def _step(steps: Steps | None) -> str:
    if steps is None:
        return ""
    if steps.kind == "compute":
        return f": {steps.what.rpartition('.')[2].replace('_', ' ').strip()}"
    what = {"train": "training", "pretrain": f"pretraining {steps.what}", "probe": "the probe"}[steps.kind]
    return f": {what}, step {steps.done} of {steps.of}" if steps.of else f": {what}"
