"""Jobs whose stage somebody else computes: each is tried again when its stage is there, else after a while."""

import heapq
import time
from collections import defaultdict
from typing import Generic, TypeVar

RETRY_BUSY_S, MOST_RETRY_S = 0.5, 30.0
"""Until a job is tried again whose stage another command may compute: at first, and twice as long each time. Each try
costs a process that replays what the job has already.
"""

J = TypeVar("J")


class PutBack(Generic[J]):
    """The jobs that wait so; each call takes no longer where there are many."""

    def __init__(self) -> None:
        self._due: dict[J, float] = {}
        self._tries: dict[J, int] = {}
        self._of: defaultdict[str, list[J]] = defaultdict(list)
        self._order: list[tuple[float, int, J]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._due)

    def add(self, job: J, stage: str) -> None:
        """Take in a job that was told that ``stage`` is in hand elsewhere."""
        tried = self._tries.get(job, 0)
        self._tries[job] = tried + 1
        self._of[stage].append(job)
        self._queue(job, time.monotonic() + min(RETRY_BUSY_S * 2**tried, MOST_RETRY_S))

    def freed(self, stage: str) -> None:
        """Let the jobs that wait for a stage be tried now."""
        for job in self._of.pop(stage, []):
            self._tries.pop(job, None)
            if job in self._due:
                self._queue(job, 0.0)

    def next(self) -> J | None:
        """Return, and let go of, a job whose time has come; None where there is none."""
        while self._order and self._order[0][0] <= time.monotonic():
            due, _, job = heapq.heappop(self._order)
            if self._due.get(job) == due:  # else it was told of again since
                del self._due[job]
                return job
        return None

    def _queue(self, job: J, due: float) -> None:
        self._due[job] = due
        self._count += 1
        heapq.heappush(self._order, (due, self._count, job))
