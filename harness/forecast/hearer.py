"""Learns from the jobs of a plan what work takes, and what of it is done."""

import time
from collections.abc import Callable
from typing import Any, Protocol

from harness.forecast.job_work import JobWork
from harness.forecast.rates import Rates
from harness.forecast.work import Cost, Piece
from harness.results.names import DONE
from harness.running.executors.executor import JobListener
from harness.running.job_watcher import StageEnd, Steps
from harness.running.pool import Job


class Books(Protocol):
    """What the forecast keeps: jobs by plan, what work takes, and what is done."""

    jobs: list[dict[Job, JobWork]]
    rates: Rates
    spent: float

    def met(self, place: int, job: JobWork, piece: Piece, end: StageEnd) -> None:
        """Take in that the store has a piece."""
        ...

    def cell_done(self, place: int, job: JobWork, end: StageEnd, *, kept: bool) -> None:
        """Take in that a job's next cell is there."""
        ...


class _Hand:
    """What a job's process said last: so many steps, then; and whether its last cell is done."""

    steps = 0
    at = 0.0
    kept = False


class Hearer(JobListener):
    """Hears of the jobs of the plan at ``place``."""

    def __init__(self, forecast: Books, place: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._forecast, self._place, self._clock = forecast, place, clock
        self._hands: dict[Any, _Hand] = {}

    def began(self, job: Any) -> None:
        """Hear that a worker has a job in hand."""
        self._work(job).began()
        self._hands[job] = _Hand()

    def told(self, job: Any, kind: str, payload: Any) -> None:
        """Hear what a job says."""
        hand = self._hands.setdefault(job, _Hand())
        if isinstance(payload, Steps):
            self._stepped(self._work(job), hand, payload)
        elif isinstance(payload, StageEnd) and payload.kind == "cell":
            self._forecast.spent += payload.processor_seconds
            if hand.kept and not payload.replayed:
                self._forecast.rates.learn(self._work(job).each, 1.0, payload.seconds)
            self._forecast.cell_done(self._place, self._work(job), payload, kept=hand.kept)
        elif isinstance(payload, StageEnd):
            self._ended(self._work(job), hand, payload)
        elif kind == "cell":
            hand.kept = payload[1].status == DONE

    def ended(self, job: Any, kind: str) -> None:
        """Hear that a worker no longer has a job."""
        self._hands.pop(job, None)
        self._work(job).share = 0.0
        self._work(job).closed = kind != "busy"

    def _work(self, job: Any) -> JobWork:
        return self._forecast.jobs[self._place][job]

    def _stepped(self, work: JobWork, hand: _Hand, said: Steps) -> None:
        """Learn what the steps since the last word took; the first word of a stage has its beginning in it, too."""
        now = self._clock()
        piece = work.in_hand(said.kind, said.what)
        counted = piece is not None and piece.steps == said.of
        if said.kind == "train":
            work.share = said.done / said.of if counted and said.of else 0.0
        if hand.steps and said.done > hand.steps:
            each = piece.units / piece.steps if piece is not None and counted else 1.0
            cost = piece.cost if piece is not None and counted else Cost(said.kind, said.what)
            self._forecast.rates.learn(cost, (said.done - hand.steps) * each, now - hand.at)
        hand.steps, hand.at = said.done, now

    def _ended(self, work: JobWork, hand: _Hand, end: StageEnd) -> None:
        told, hand.steps = hand.steps, 0
        self._forecast.spent += 0.0 if end.replayed else end.processor_seconds
        piece = work.met(end)
        if piece is None:
            return
        if not end.replayed and not told:  # too short for a word on its way, or without steps
            self._forecast.rates.learn(piece.cost, piece.units, end.seconds)
        self._forecast.met(self._place, work, piece, end)
