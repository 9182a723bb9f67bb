"""What a network is trained to lower: a number for a batch of logits and labels."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Loss(ABC):
    """A loss whose numbers are all known: a frozen dataclass that is called with a batch.

    A stored training is known by its loss's fields and class, so another formula is another class. ``key_name`` is what
    keys call a class of the harness; one without is known by its module and name. Of another distribution's class the
    source is known, too.
    """

    @abstractmethod
    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the scalar loss of float logits (N, 2) and labels (N,) in {0, 1}, N >= 1: a mean over the batch.

        A batch may be of one class alone. On a CUDA device a loss that asks the host for a decision (`item`, a boolean
        index, a tensor made of Python numbers) makes each step wait for it; one that does not is recorded with the
        step, and asked once for all steps.
        """

    def at(self, progress: float) -> "Loss":  # noqa: ARG002 - most losses stay what they are
        """Return the loss of an epoch that ends when ``progress`` in (0, 1] of all epochs is over; 1 is the last one's.

        Asked once an epoch. Whoever trains a part of the epochs asks by the whole schedule's.
        """
        return self


def weighted_cross_entropy(logits: Tensor, labels: Tensor, positive: float, negative: float = 1.0) -> Tensor:
    """Return the mean of -w_y log p(y), positives weighing ``positive`` and negatives ``negative``.

    The plain mean over N, not torch's weighted mean, so that a batch's class mix does not change the step size. Source:
    Entezari & Saukh 2020, equation (2), for negatives at 1.
    """
    losses = F.cross_entropy(logits, labels.long(), reduction="none")
    return (losses * torch.where(labels > 0, positive, negative)).mean()


def numbers_like(logits: Tensor, *values: float) -> Tensor:
    """Return ``values`` as a tensor of the type of ``logits``, on its device, which does not wait for the host."""
    return torch.stack([logits.new_full((), value) for value in values])
