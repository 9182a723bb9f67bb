"""What a trial costs: as if it ran alone, and what of it was computed now."""

from collections.abc import Callable
from typing import Any

from harness.storage.store import Checkpoint, Stage, Store
from harness.tuning.trial_record import Spent

_SHARED = ("images", "pretrain")
"""Stages that belong to the store and not to any trial."""


class Ledger(Store):
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
