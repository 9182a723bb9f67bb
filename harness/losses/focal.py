"""The focal loss: images that the network is sure of weigh less.

Source: Lin, Goyal, Girshick, He & Dollar 2017, Focal Loss for Dense Object Detection, equation (5).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from optuna.distributions import BaseDistribution, FloatDistribution
from pydantic import Field
from torch import Tensor

from harness.losses.loss import Loss, numbers_like
from harness.losses.schedule import LossSchedule


@dataclass(frozen=True)
class FocalLoss(Loss):
    """The mean of -alpha_y (1 - p_y)^focusing log p_y: positives weigh ``alpha``, negatives 1 - ``alpha``."""

    key_name: ClassVar[str] = "focal"
    alpha: float
    focusing: float

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the scalar loss of logits (N, 2) and labels (N,) in {0, 1}.

        p_y is the sigmoid of how far the right logit is ahead, and 1 - p_y that of the opposite: as logarithms of these
        both keep their digits, where a difference from 1 would lose them.
        """
        ahead = torch.where(labels > 0, 1, -1) * (logits[:, 1] - logits[:, 0])
        log_right, log_other = F.logsigmoid(ahead), F.logsigmoid(-ahead)
        weights = numbers_like(logits, 1 - self.alpha, self.alpha)[labels.long()]
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
