"""What a job's process tells its parent while it works: the stages that it asks for, and the steps of each."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.running.channel import Line, Weight
from harness.storage.stage import Stage, Watcher

EVERY_S = 0.5
WORK = ("train", "compute", "probe", "pretrain")
"""The kinds of stages that cost: the others are counted with the cell that asks for them."""


@dataclass(frozen=True)
class Steps:
    """A stage in hand: how many of its training steps are taken; both 0 where it has none, or begins."""

    kind: str
    what: str
    done: int
    of: int


@dataclass(frozen=True)
class StageEnd:
    """A stage that a job has asked for: what it took when it was computed, and whether it was there already.

    A ``cell`` is what one took beside such stages; its ``key`` is the last of theirs.
    """

    kind: str
    what: str
    key: str
    steps: int
    seconds: float
    processor_seconds: float
    replayed: bool


class JobWatcher(Watcher):
    """Tells the parent by ``line``; steps at most twice a second, and never waiting for who reads them.

    ``stages`` are the keys of all that were asked for.
    """

    def __init__(self, line: Line, clock: Callable[[], float] = time.monotonic) -> None:
        self._line, self._clock = line, clock
        self._kind = self._what = self._key = ""
        self._told = -EVERY_S
        self.stages: set[str] = set()
        self._cell_began()

    def _cell_began(self) -> None:
        self._since = self._clock(), time.process_time()
        self._stages, self._computed = (0.0, 0.0), False

    def cell_ended(self) -> None:
        """Say what a cell took beside its stages, once its result is sent."""
        seconds = self._clock() - self._since[0] - self._stages[0]
        processor = time.process_time() - self._since[1] - self._stages[1]
        self._tell_end(StageEnd("cell", "", self._key, 0, max(seconds, 0.0), max(processor, 0.0), not self._computed))
        self._cell_began()

    def started(self, kind: str, inputs: Any) -> None:
        """Say that a stage begins; of a pretraining, also which architecture's."""
        if kind not in WORK:
            return
        self._kind, self._what = kind, what_of(kind, inputs)
        if kind == "pretrain":
            self._line.send(("pretraining", inputs["architecture"]))
        self._line.send(("steps", Steps(kind, self._what, 0, 0)), Weight.ASIDE)

    def stepped(self, done: int, of: int) -> None:
        """Say how far the training is, where that was not said just now and can be without waiting."""
        now = self._clock()
        if now - self._told < EVERY_S or not self._line.free:
            return
        self._told = now
        self._line.send(("steps", Steps(self._kind, self._what, done, of)), Weight.ASIDE)

    def ended(self, kind: str, inputs: Any, stage: Stage) -> None:
        """Say what a stage cost."""
        self.stages.add(stage.key)
        if kind not in WORK:
            return
        self._key = stage.key
        if not stage.replayed:
            self._stages = self._stages[0] + stage.seconds, self._stages[1] + stage.processor_seconds
            self._computed = True
        steps = stage.value["steps"] if kind == "train" else 0
        costs = stage.seconds, stage.processor_seconds
        self._tell_end(StageEnd(kind, what_of(kind, inputs), stage.key, steps, *costs, stage.replayed))

    def _tell_end(self, end: StageEnd) -> None:
        self._line.send(("stage", end), Weight.ASIDE)


def what_of(kind: str, inputs: Any) -> str:
    """Return what a stage is about: the function that it computes, the network, or nothing."""
    return str(inputs.get("function" if kind == "compute" else "architecture", ""))
