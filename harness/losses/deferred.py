"""One loss for the first part of a training, another for the rest."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from harness.losses.loss import Loss


@dataclass(frozen=True)
class DeferredLoss(Loss):
    """``last`` in the epochs that end after ``start`` in (0, 1) of all, at least in the last one; else ``first``."""

    key_name: ClassVar[str] = "deferred"
    first: Loss
    last: Loss
    start: float

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the scalar loss of logits (N, 2) and labels (N,), as in the first epoch."""
        return self.first(logits, labels)

    def at(self, progress: float) -> Loss:
        """Return the loss of an epoch that ends when ``progress`` of all epochs is over."""
        return self.last if progress > self.start else self.first
