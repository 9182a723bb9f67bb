"""Counting and measuring in a process of their own, whatever a method does there; the parent hears what is found."""

import os
import pickle
import resource
import select
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.children import Child, fork
from harness.forecast.work import Cost, EntryWork
from harness.planning.plan import Plan
from harness.running.channel import Channel
from harness.spans import SPANS, Part

LIMIT_S = 40.0
"""For all of it, where others compute: alone it takes a few. What is not known by then stays unknown."""

REST_S = 10.0
"""For what comes after the basics: methods of other distributions, and what methods compute."""


@dataclass
class Found:
    """What is known so far: the work of entries by group and text, and seconds a unit of each cost."""

    work: dict[tuple[int, str], EntryWork] = field(default_factory=dict)
    seconds: dict[Cost, float] = field(default_factory=dict)
    basics: bool = False
    ended: bool = False


class Inquiry:
    """A fork that counts and measures for a plan; to be started before this process has a thread.

    ``counts``: of each group of plans the images of its splits, (positives, negatives) by name; what is ``known`` is
    not measured.
    """

    def __init__(self, plan: Plan, counts: Sequence[Mapping[str, tuple[int, int]]], known: Collection[Cost]) -> None:
        self.found = Found()
        self._until = time.monotonic() + LIMIT_S
        self._channel, theirs = Channel.pair()
        ours = self._channel
        self._child: Child | None = fork(lambda: _live(plan, counts, known, theirs, ours))
        theirs.close()

    def hear(self, seconds: float, *, basics: bool = False) -> Found:
        """Return what is known after so many seconds, or sooner where that is all, or the ``basics`` that are asked."""
        until = min(time.monotonic() + seconds, self._until)
        while not (self.found.ended or (basics and self.found.basics)):
            left = until - time.monotonic()
            asked = select.poll()
            asked.register(self._channel.fileno(), select.POLLIN)
            if not asked.poll(max(left, 0) * 1000):
                break
            self._take()
        if time.monotonic() >= self._until:
            self.end()
        return self.found

    def end(self) -> None:
        """End the process; what was heard stays."""
        if self._child is not None:
            before = _of_children()
            self._child.end()
            SPANS.of_a_child(Part.ESTIMATE, _of_children() - before)
            self._channel.close()
            self._child = None
        self.found.ended = True

    def _take(self) -> None:
        try:
            for data, _ in self._channel.arrived():
                self._learn(*pickle.loads(data))  # noqa: S301 - see `_live`
        except (EOFError, pickle.UnpicklingError):
            self.end()

    def _learn(self, kind: str, *what: Any) -> None:
        if kind == "basics":
            self.found.basics = True
        elif kind == "work":
            group, text, work = what
            self.found.work[group, text] = work
        elif kind == "rate":
            cost, seconds = what
            self.found.seconds[cost] = seconds


def _of_children() -> float:
    """Return the processor's seconds of all children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _live(
    plan: Plan,
    counts: Sequence[Mapping[str, tuple[int, int]]],
    known: Collection[Cost],
    line: Channel,
    foreign: Channel,
) -> None:
    import torch

    from harness.forecast.investigation import Investigation

    foreign.close()
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):  # a method may read or write
        os.dup2(null, number)
    torch.set_num_threads(1)
    Investigation(plan, counts, known, line.send).run()
