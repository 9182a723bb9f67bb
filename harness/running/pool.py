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
from harness.running.put_back import PutBack

LOOK_S = 20.0
"""That looking for finished jobs may take before workers start: those that are left they replay, all at once."""

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
    """Send one ``cell`` message per level, (index of the job's level, record, traceback of a failure), then ``stages``.

    These are the keys of all that it asked for.
    """
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
    line.send(("stages", watcher.stages))


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
        self.plan, self.listener, self.cell = plan, listener, cell
        self.waiting = deque(all_jobs(plan) if jobs is None else jobs)
        self.employ = employ
        self.losses: dict[Job, int] = {}
        self._put_back: PutBack[Job] = PutBack()
        self._records: dict[Job, dict[int, CellRecord]] = {}
        self._stages: dict[Job, set[str]] = {}

    def run(self) -> Iterator[JobOutcome]:
        """Yield each job as it finishes, first those that were before; workers are started where others are left.

        A job whose process dies costs its own cells, not the run.
        """
        from harness.running.finished_jobs import FinishedJobs  # torch, as above

        self._finished = FinishedJobs(self.plan)
        yield from self._done_before()
        if not self.waiting:
            return
        count = min(self.plan.jobs, len(self.waiting))
        with self.employ(self.plan, run_job, count, self._hearing) as self.workers:
            while self.waiting or self._put_back or self.workers.busy:
                self._assign()
                for message in self.workers.heard():
                    outcome = self._receive(message)
                    if outcome is not None:
                        yield outcome

    def _done_before(self) -> Iterator[JobOutcome]:
        until = time.monotonic() + LOOK_S
        for _ in range(len(self.waiting)):
            if time.monotonic() > until:
                return
            job = self.waiting.popleft()
            records = self._finished.find(self.plan.entries[job.entry], job.seed)
            if records is None:
                self.waiting.append(job)
                continue
            self.listener.jobs.began(job)
            for record in records:
                self.cell(job, record, "")
            self.listener.jobs.ended(job, "done")
            yield JobOutcome(job, records)

    def _assign(self) -> None:
        for worker in self.workers.idle():
            job = self._next()
            if job is None:
                return
            if not self.workers.give(worker, job):
                self.waiting.appendleft(job)

    def _next(self) -> Job | None:
        """Return the next job: one that was put back only where no other is waiting, and when its time has come."""
        if self.waiting:
            return self.waiting.popleft()
        return self._put_back.next()

    def _receive(self, message: Message) -> JobOutcome | None:
        job: Job = message.job
        if message.kind == "cell":
            self._record(job, *message.payload)
            return None
        if message.kind == "stages":
            self._stages[job] = message.payload
            return None
        if message.kind == "busy":
            self._put_back.add(job, message.payload)
            return None
        if message.kind == "lost":
            self.losses[job] = self.losses.get(job, 0) + 1
            if self.losses[job] < MOST_LOSSES:
                self.waiting.appendleft(job)
                return None
            self._fail_the_rest(job, f"it lost its worker {MOST_LOSSES} times, at last since {message.payload}", "")
        if message.kind == "died":
            self._fail_the_rest(job, message.payload, message.detail)
        return self._outcome(job)

    @property
    def _hearing(self) -> Listener:
        """Who hears of stages, too."""
        return replace(self.listener, jobs=_StageEnds(self.listener.jobs, self._put_back.freed))

    def _outcome(self, job: Job) -> JobOutcome:
        """Return what came of a job, and let go of it."""
        by_level = self._records.pop(job, {})
        records = [by_level[level] for level in sorted(by_level)]
        stages = self._stages.pop(job, None)
        if stages is not None:
            self._finished.keep(self.plan.entries[job.entry], job.seed, records, stages)
        return JobOutcome(job, records)

    def _record(self, job: Job, level: int, record: CellRecord, detail: str) -> None:
        records = self._records.setdefault(job, {})
        told = level in records  # a job that was put back replays its first cells
        records[level] = record
        if not told:
            self.cell(job, record, detail)

    def _fail_the_rest(self, job: Job, reason: str, detail: str) -> None:
        for level, density in enumerate(levels_of(self.plan.entries[job.entry], self.plan.densities)):
            if level not in self._records.get(job, {}):
                self._record(job, level, CellRecord(density=density, status=FAILED, reason=reason), detail)
                detail = ""  # once is enough
