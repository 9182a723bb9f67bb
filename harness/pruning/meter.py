"""What a method has used of its bench."""

from dataclasses import dataclass, field

from harness.storage.store import Stage


@dataclass
class Meter:
    """Training steps and time of all stages used so far, each counted once, and how the last training ended.

    ``seconds`` on the clock, ``processor_seconds`` of the processes that computed them. ``kept_epoch`` and
    ``kept_step``: how many of its schedule's epochs and steps the last training's network has behind it, None before
    any. ``untrained``: its scores did not move before training, so nothing was trained.
    """

    seconds: float = 0.0
    processor_seconds: float = 0.0
    steps: int = 0
    kept_epoch: int | None = None
    kept_step: int | None = None
    untrained: bool = False
    _counted: set[str] = field(default_factory=set)

    def count(self, stage: Stage, steps: int = 0) -> None:
        """Count a stage; replayed ones cost what they cost when they were computed."""
        if stage.key not in self._counted:
            self._counted.add(stage.key)
            self.seconds += stage.seconds
            self.processor_seconds += stage.processor_seconds
            self.steps += steps

    def count_training(self, stage: Stage) -> None:
        """Count a training, a stage of what `harness.training.fit.fit` returns, as the last one."""
        self.count(stage, stage.value["steps"])
        self.kept_epoch, self.kept_step = stage.value["kept_epoch"], stage.value["kept_step"]
        self.untrained = stage.value["outcome"] == "dead"
