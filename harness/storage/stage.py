"""A stage as who asked for it has it, and who is told of stages as they begin, go on and end."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Stage:
    """A stage's result: its key, its value, what it took when it was computed, and whether just now.

    ``seconds`` on the clock, ``processor_seconds`` of the process that computed it, all its threads.
    """

    key: str
    value: Any
    seconds: float
    processor_seconds: float
    replayed: bool


class Watcher:
    """Told of a process's stages; this one does nothing with it. What it does changes no result and costs no time."""

    def started(self, kind: str, inputs: Any) -> None:
        """Hear of a stage that is about to be computed."""

    def stepped(self, done: int, of: int) -> None:
        """Hear how many of its training steps the stage in hand has taken, after each."""

    def ended(self, kind: str, inputs: Any, stage: Stage) -> None:
        """Hear of a stage that was asked for, computed or found."""
