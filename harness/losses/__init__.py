"""What networks are trained to lower, by round, and all that a new loss needs; no torch before `Loss` is asked for."""

from typing import TYPE_CHECKING, Any

from harness.losses.registered import schedule_named
from harness.losses.schedule import LossSchedule

if TYPE_CHECKING:
    from harness.losses.loss import Loss

__all__ = ["Loss", "LossSchedule", "schedule_named"]


def __getattr__(name: str) -> Any:
    if name == "Loss":
        from harness.losses.loss import Loss

        return Loss
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
