"""What a method has used of its bench."""

from dataclasses import dataclass, field

from harness.storage.store import Stage


@dataclass
class Meter:
    """Training steps and seconds of all stages used so far, each counted once, and how the last training ended.

    ``untrained``: its scores did not move before training, so nothing was trained.
    """

    seconds: float = 0.0
    steps: int = 0
    untrained: bool = False
    _counted: set[str] = field(default_factory=set)

    def count(self, stage: Stage, steps: int = 0) -> None:
        """Count a stage; replayed ones cost what they cost when they were computed."""
        if stage.key not in self._counted:
            self._counted.add(stage.key)
            self.seconds += stage.seconds
            self.steps += steps
