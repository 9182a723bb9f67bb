"""What networks are trained to lower, by round, and all that a new loss needs."""

from harness.losses.loss import Loss
from harness.losses.schedules import LossSchedule, schedule_named

__all__ = ["Loss", "LossSchedule", "schedule_named"]
