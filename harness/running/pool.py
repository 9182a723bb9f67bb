"""All (entry, seed) jobs of a run over its workers; the store does the coordinating."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.planning.plan import Plan, levels_of
from harness.results.cell_record import CellRecord
from harness.results.names import FAILED
from harness.running.channel import Line
from harness.running.executors.executor import Employ, JobListener, Listener, Message
from harness.running.executors.local import Workers
from harness.running.job_watcher import StageEnd

RETRY_BUSY_S, MOST_RETRY_S = 0.5, 30.0
"""Until a job is tried again whose stage another command may compute: at first, and twice as long each time. Each try
costs a process that replays what the job has already.
"""

MOST_LOSSES = 3
"""Workers that a job may lose: what takes its machine away time and again is likely the job."""


@dataclass(frozen=True)
class Job:
    """One (entry, seed): its place in the plan's entries, and the seed."""

    entry: int
    seed: int


CellListener = Callable[[Job, CellRecord, str], None]


class _StageEnds(JobListener):
    """Passes on what it hears, and tells which stages are there."""

    def __init__(self, also: JobListener, told: Callable[[str], None]) -> None:
        self._also, self._told = also, told

    def began(self, job: Any) -> None:
        """Hear that a worker has a job in hand."""
        self._also.began(job)

    def told(self, job: Any, kind: str, payload: Any) -> None:
        """Hear what a job says."""
        self._also.told(job, kind, payload)
        if isinstance(payload, StageEnd):
            self._told(payload.key)

    def ended(self, job: Any, kind: str) -> None:
        """Hear that a worker no longer has a job."""
        self._also.ended(job, kind)


@dataclass
class JobOutcome:
    """The records of one finished job, densest first."""

    job: Job
    records: list[CellRecord]


def run_job(plan: Plan, job: Job, line: Line) -> None:
    """Send one ``cell`` message per level: (index of the job's level, record, traceback of a failure)."""
    from harness.running.cells import cells, score_test  # torch, which the parent that sends jobs does without
    from harness.running.job_watcher import JobWatcher
    from harness.running.warm_up import caged
    from harness.storage.store import Store

    watcher = JobWatcher(line)
    store = Store(plan.store, wait=False, watcher=watcher, checks=[caged(plan, [job.seed]).check])
    entry = plan.entries[job.entry]
    for level, cell in enumerate(cells(plan, entry, job.seed, levels_of(entry, plan.densities), store)):
        line.send(("cell", (level, score_test(plan, cell, store), cell.detail)))
        watcher.cell_ended()


def all_jobs(plan: Plan) -> list[Job]:
    """Return every job of a plan, seed by seed."""
    return [Job(entry, seed) for seed in plan.seeds for entry in range(len(plan.entries))]


class Pool:
    """Runs all jobs of a plan, or some. A job whose stage another worker computes is put back and tried again later:
    as soon as one of this pool's says that it has the stage.

    So is one that lost its worker's machine, up to `MOST_LOSSES` times.
    ``cell`` is told each cell once, as it comes, with the traceback of its failure.
    """

    def __init__(
        self,
        plan: Plan,
        listener: Listener,
        cell: CellListener = lambda *_: None,
        jobs: Sequence[Job] | None = None,
        employ: Employ = Workers,
    ) -> None:
        self.plan, self.cell = plan, cell
        self.waiting = deque(all_jobs(plan) if jobs is None else jobs)
        self.retry_at: dict[Job, float] = {}
        self.tries: dict[Job, int] = {}
        self.busy: dict[Job, str] = {}
        self.losses: dict[Job, int] = {}
        self.records: dict[Job, dict[int, CellRecord]] = {}
        self.workers = employ(plan, run_job, min(plan.jobs, len(self.waiting)), self._hearing(listener))

    def run(self) -> Iterator[JobOutcome]:
        """Yield each job as it finishes. A job whose process dies costs its own cells, not the run."""
        with self.workers:
            while self.waiting or self.workers.busy:
                self._assign()
                for message in self.workers.heard():
                    outcome = self._receive(message)
                    if outcome is not None:
                        yield outcome

    def _assign(self) -> None:
        now = time.monotonic()
        for worker in self.workers.idle():
            job = next((job for job in self.waiting if self.retry_at.get(job, 0.0) <= now), None)
            if job is None:
                return
            if self.workers.give(worker, job):
                self.waiting.remove(job)

    def _receive(self, message: Message) -> JobOutcome | None:
        job: Job = message.job
        if message.kind == "cell":
            self._record(job, *message.payload)
            return None
        if message.kind == "busy":
            self._put_back(job, message.payload)
            return None
        if message.kind == "lost":
            self.losses[job] = self.losses.get(job, 0) + 1
            if self.losses[job] < MOST_LOSSES:
                self.waiting.appendleft(job)
                return None
            self._fail_the_rest(job, f"it lost its worker {MOST_LOSSES} times, at last since {message.payload}", "")
        if message.kind == "died":
            self._fail_the_rest(job, message.payload, message.detail)
        records = self.records.get(job, {})
        return JobOutcome(job, [records[level] for level in sorted(records)])

    def _put_back(self, job: Job, stage: str) -> None:
        tried = self.tries.get(job, 0)
        self.tries[job], self.busy[job] = tried + 1, stage
        self.retry_at[job] = time.monotonic() + min(RETRY_BUSY_S * 2**tried, MOST_RETRY_S)
        self.waiting.append(job)

    def _hearing(self, listener: Listener) -> Listener:
        """Return a listener that hears of stages, too."""
        return replace(listener, jobs=_StageEnds(listener.jobs, self._freed))

    def _freed(self, stage: str) -> None:
        """Let the jobs that wait for a stage be tried now."""
        for job in [job for job, key in self.busy.items() if key == stage]:
            del self.busy[job]
            self.retry_at.pop(job, None)
            self.tries.pop(job, None)

    def _record(self, job: Job, level: int, record: CellRecord, detail: str) -> None:
        records = self.records.setdefault(job, {})
        told = level in records  # a job that was put back replays its first cells
        records[level] = record
        if not told:
            self.cell(job, record, detail)

    def _fail_the_rest(self, job: Job, reason: str, detail: str) -> None:
        for level, density in enumerate(levels_of(self.plan.entries[job.entry], self.plan.densities)):
            if level not in self.records.get(job, {}):
                self._record(job, level, CellRecord(density=density, status=FAILED, reason=reason), detail)
                detail = ""  # once is enough
