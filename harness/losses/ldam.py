"""Label-distribution-aware margins: the rarer a class, the further its logit must be ahead; and deferred re-weighting.

Source: Cao, Wei, Gaidon, Arechiga & Ma 2019, Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss,
equation (13), Sec. 3, Algorithm 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch.nn.functional as F
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from pydantic import Field
from torch import Tensor

from harness.losses.deferred import DeferredLoss
from harness.losses.effective_numbers import class_balanced_weights
from harness.losses.loss import Loss, numbers_like, weighted_cross_entropy
from harness.losses.schedule import LossSchedule

Margin = Annotated[float, Field(ge=0, le=1000)]
Scale = Annotated[float, Field(gt=0, le=1000)]


@dataclass(frozen=True)
class LdamLoss(Loss):
    """The mean of -w_y log p_y, p the softmax of scale * (logits, the right one less its class's margin).

    ``positive`` and ``negative`` are the margins, ``positive_weight`` and ``negative_weight`` the weights w.
    """

    key_name: ClassVar[str] = "ldam"
    positive: float
    negative: float
    scale: float
    positive_weight: float = 1.0
    negative_weight: float = 1.0

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the scalar loss of logits (N, 2) and labels (N,) in {0, 1}."""
        margins = F.one_hot(labels.long(), 2) * numbers_like(logits, self.negative, self.positive)
        adjusted = self.scale * (logits - margins)
        return weighted_cross_entropy(adjusted, labels, self.positive_weight, self.negative_weight)


@dataclass(frozen=True)
class Ldam(LossSchedule):
    """Margins C / n_y^(1/4), the largest ``margin``, in every round.

    The published ``scale`` of 30 goes with a head that normalises features and weights, so that logits are cosines; the
    networks here have none, so it is 1.
    """

    key_name: ClassVar[str] = "ldam"
    source = "Cao et al. 2019, equation (13), Sec. 3"
    search_space: ClassVar[Mapping[str, BaseDistribution]] = {
        "margin": FloatDistribution(0.1, 5.0, log=True),
        "scale": FloatDistribution(0.5, 30.0, log=True),
    }

    margin: Margin = 0.5
    scale: Scale = 1.0

    def resolve(self, round: int, positives: int, negatives: int) -> Loss:  # noqa: ARG002 - the same in all
        """Return the loss for these counts, whatever the round."""
        rarest = min(positives, negatives)
        positive, negative = (self.margin * (rarest / count) ** 0.25 for count in (positives, negatives))
        return LdamLoss(positive, negative, self.scale)


@dataclass(frozen=True)
class LdamDeferred(Ldam):
    """The same with class-balanced weights, as of ``beta``, once ``deferred`` of the epochs is over: LDAM-DRW."""

    key_name: ClassVar[str] = "ldam-drw"
    source = "Cao et al. 2019, equation (13), Algorithm 1; Cui et al. 2019, equation (2)"
    search_space: ClassVar[Mapping[str, BaseDistribution]] = {
        **Ldam.search_space,
        "beta": CategoricalDistribution([0.9, 0.99, 0.999, 0.9999]),
    }

    beta: Annotated[float, Field(ge=0, lt=1)] = 0.9999
    deferred: Annotated[float, Field(gt=0, lt=1)] = 0.8

    def resolve(self, round: int, positives: int, negatives: int) -> Loss:
        """Return the loss for these counts, whatever the round."""
        first = super().resolve(round, positives, negatives)
        assert isinstance(first, LdamLoss)
        weights = class_balanced_weights(self.beta, positives, negatives)
        return DeferredLoss(first, LdamLoss(first.positive, first.negative, self.scale, *weights), self.deferred)


LDAM, LDAM_DRW = Ldam(), LdamDeferred()
