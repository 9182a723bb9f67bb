"""What a method has used of its bench."""

from dataclasses import dataclass, field

from harness.storage.stage import Stage


@dataclass(frozen=True)
class Cost:
    """What a stage took when it was computed: on the clock, of the process that computed it, and optimiser steps."""

    seconds: float
    processor_seconds: float
    steps: int


@dataclass
class Meter:
    """The costs of all stages used so far, each counted once, and how the last training ended.

    ``kept_epoch`` and ``kept_step``: how many of its schedule's epochs and steps the last training's network has behind
    it, None before any. ``untrained``: its scores did not move before training, so nothing was trained.
    """

    kept_epoch: int | None = None
    kept_step: int | None = None
    untrained: bool = False
    _costs: dict[str, Cost] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Seconds on the clock."""
        return sum(cost.seconds for cost in self._costs.values())

    @property
    def processor_seconds(self) -> float:
        """Seconds of the processes that computed."""
        return sum(cost.processor_seconds for cost in self._costs.values())

    @property
    def steps(self) -> int:
        """Optimiser steps."""
        return sum(cost.steps for cost in self._costs.values())

    def count(self, stage: Stage, steps: int = 0) -> None:
        """Count a stage; replayed ones cost what they cost when they were computed."""
        self._costs.setdefault(stage.key, Cost(stage.seconds, stage.processor_seconds, steps))

    def count_training(self, stage: Stage) -> None:
        """Count a training, a stage of what `harness.training.fit.fit` returns, as the last one."""
        self.count(stage, stage.value["steps"])
        self.kept_epoch, self.kept_step = stage.value["kept_epoch"], stage.value["kept_step"]
        self.untrained = stage.value["outcome"] == "dead"

    def add(self, other: "Meter") -> None:
        """Count what another meter has counted; the last training stays this one's."""
        self._costs = other._costs | self._costs
