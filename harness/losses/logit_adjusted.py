"""Cross-entropy of logits that are moved by the classes' shares while training.

Source: Menon, Jayasumana, Rawat, Jain, Veit & Kumar 2021, Long-tail Learning via Logit Adjustment, equation (10).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch.nn.functional as F
from optuna.distributions import BaseDistribution, FloatDistribution
from pydantic import Field
from torch import Tensor

from harness.losses.loss import Loss, numbers_like
from harness.losses.schedule import LossSchedule


@dataclass(frozen=True)
class LogitAdjustedLoss(Loss):
    """Mean cross-entropy after ``shift`` is added to the positives' logit: tau (log pi_positive - log pi_negative).

    Only the difference acts. Scores stay those of the raw logits.
    """

    key_name: ClassVar[str] = "logit-adjusted"
    shift: float

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the scalar loss of logits (N, 2) and labels (N,) in {0, 1}."""
        return F.cross_entropy(logits + numbers_like(logits, 0.0, self.shift), labels.long())


@dataclass(frozen=True)
class LogitAdjusted(LossSchedule):
    """Cross-entropy of logits + tau log pi_y, pi_y the training split's share of class y, in every round."""

    key_name: ClassVar[str] = "logit-adjusted"
    source = "Menon et al. 2021, equation (10)"
    search_space: ClassVar[Mapping[str, BaseDistribution]] = {"tau": FloatDistribution(0.25, 4.0, log=True)}

    tau: Annotated[float, Field(ge=0, le=1000)] = 1.0

    def resolve(self, round: int, positives: int, negatives: int) -> LogitAdjustedLoss:  # noqa: ARG002 - the same in all
        """Return the loss for these counts, whatever the round."""
        return LogitAdjustedLoss(self.tau * math.log(positives / negatives))


LOGIT_ADJUSTED = LogitAdjusted()
