"""The focal loss: images that the network is sure of weigh less.

Source: Lin, Goyal, Girshick, He & Dollar 2017, Focal Loss for Dense Object Detection, equation (5).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch.nn.functional as F
from optuna.distributions import BaseDistribution, FloatDistribution
from pydantic import Field
from torch import Tensor

from harness.losses.loss import Loss
from harness.losses.schedule import LossSchedule


@dataclass(frozen=True)
class FocalLoss(Loss):
    """The mean of -alpha_y (1 - p_y)^focusing log p_y: positives weigh ``alpha``, negatives 1 - ``alpha``."""

    key_name: ClassVar[str] = "focal"
    alpha: float
    focusing: float

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the scalar loss of logits (N, 2) and labels (N,) in {0, 1}.

        1 - p_y is the other class's probability, taken from its logarithm: a difference from 1 would lose its digits.
        """
        logs = F.log_softmax(logits, 1)
        right = labels.long()[:, None]
        log_right, log_other = logs.gather(1, right).squeeze(1), logs.gather(1, 1 - right).squeeze(1)
        weights = logits.new_tensor([1 - self.alpha, self.alpha])[labels.long()]
        return -(weights * (self.focusing * log_other).exp() * log_right).mean()


@dataclass(frozen=True)
class Focal(LossSchedule):
    """The focal loss in every round; the published numbers are the defaults. ``focusing`` is the paper's gamma."""

    key_name: ClassVar[str] = "focal"
    source = "Lin et al. 2017, equation (5)"
    search_space: ClassVar[Mapping[str, BaseDistribution]] = {
        "alpha": FloatDistribution(0.05, 0.95),
        "focusing": FloatDistribution(0.0, 5.0),
    }

    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.25
    focusing: Annotated[float, Field(ge=0, le=1000)] = 2.0

    def resolve(self, round: int, positives: int, negatives: int) -> FocalLoss:  # noqa: ARG002 - the same in all
        """Return the loss, whatever the round and the counts."""
        return FocalLoss(self.alpha, self.focusing)


FOCAL = Focal()
