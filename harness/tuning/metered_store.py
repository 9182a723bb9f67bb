"""What a trial costs: as if it ran alone, and what of it was computed now."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.storage.checkpoint import Checkpoint
from harness.storage.stage import Stage
from harness.storage.store import Store

_SHARED = ("images", "pretrain")
"""Stages that belong to the store and not to any trial."""


@dataclass(frozen=True)
class Spent:
    """Training steps and seconds of all stages of a trial, and the seconds of those that no one had computed yet."""

    steps: int = 0
    seconds: float = 0.0
    computed_seconds: float = 0.0


class MeteredStore(Store):
    """A store that notes what its stages cost, each once."""

    spent = Spent()
    _seen: frozenset[str] = frozenset()

    def run(self, kind: str, inputs: Any, compute: Callable[[Checkpoint], Any]) -> Stage:
        """Return the stage as `Store.run` does."""
        stage = super().run(kind, inputs, compute)
        if kind not in _SHARED and stage.key not in self._seen:
            self._seen |= {stage.key}
            self.spent = Spent(
                self.spent.steps + (int(stage.value["steps"]) if kind == "train" else 0),
                self.spent.seconds + stage.seconds,
                self.spent.computed_seconds + (0.0 if stage.replayed else stage.seconds),
            )
        return stage
