"""Where the time of a run goes: parts by name, a part that stands in another taken out of it.

Each process has its own `Spans`. They are always on: a span costs some 6 μs, and a cell has a dozen.
"""

import os
import time
from collections.abc import Mapping
from enum import StrEnum
from types import TracebackType
from typing import NamedTuple


class Part(StrEnum):
    """What a process does, in the order in which it is shown."""

    TRAINING = "training"
    METHODS = "methods"
    EVALUATION = "evaluation"
    DATA = "data"
    STORE = "store"
    MLFLOW = "mlflow"
    REPORT = "report"
    PLANNING = "planning"
    ESTIMATE = "estimate"
    PROCESSES = "processes"
    WAITING = "waiting"


class Spent(NamedTuple):
    """Seconds of the processor, of all threads of a process, and of the clock."""

    processor: float = 0.0
    clock: float = 0.0

    def plus(self, other: "Spent") -> "Spent":
        """Return the sum."""
        return Spent(self.processor + other.processor, self.clock + other.clock)

    def minus(self, other: "Spent") -> "Spent":
        """Return the difference."""
        return Spent(self.processor - other.processor, self.clock - other.clock)


def added(one: Mapping[str, Spent], other: Mapping[str, Spent]) -> dict[str, Spent]:
    """Return the sum of each part."""
    return {part: one.get(part, Spent()).plus(other.get(part, Spent())) for part in {**one, **other}}


def _now() -> Spent:
    return Spent(time.process_time(), time.monotonic())


class Spans:
    """Adds up the parts of this process, of its main thread's spans; what stands in none is ``PROCESSES``."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Begin anew: of the processor what this process has used since it began, or was forked, is counted, too."""
        self._sums: dict[str, Spent] = {}
        self._open: list[Part] = [Part.PROCESSES]
        self._since = Spent(0.0, time.monotonic())
        self.jobs: dict[str, Spent] = {}
        self.of_children = 0.0

    def enter(self, part: Part) -> None:
        """Begin a part, within that which is open."""
        self._count()
        self._open.append(part)

    def leave(self) -> None:
        """End the part that began last."""
        self._count()
        self._open.pop()

    def of_jobs(self, sums: Mapping[str, Spent]) -> None:
        """Take in what processes of jobs have spent, or have waited."""
        self.jobs = added(self.jobs, sums)

    def of_a_child(self, part: Part, seconds: float) -> None:
        """Take in what the processor has done for a child that is no job and has ended."""
        self._sums = added(self._sums, {part: Spent(seconds, 0.0)})
        self.of_children += seconds

    def sums(self) -> dict[str, Spent]:
        """Return what each part has had until now."""
        self._count()
        return dict(self._sums)

    def _count(self) -> None:
        now, part = _now(), self._open[-1]
        self._sums[part] = self._sums.get(part, Spent()).plus(now.minus(self._since))
        self._since = now


SPANS = Spans()
"""This process's; a fork's begin anew."""
os.register_at_fork(after_in_child=SPANS.start)


class span:  # noqa: N801 - reads as a word
    """Count what runs in a ``with`` block as a part; whatever part begins within is taken out of it."""

    def __init__(self, part: Part) -> None:
        self._part = part

    def __enter__(self) -> None:
        SPANS.enter(self._part)

    def __exit__(self, _kind: type | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        SPANS.leave()
