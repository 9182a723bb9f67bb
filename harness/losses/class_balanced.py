"""Cross-entropy weighted by effective numbers of samples.

Source: Cui, Jia, Lin, Song & Belongie 2019, Class-Balanced Loss Based on Effective Number of Samples, equation (2),
Sec. 4.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from optuna.distributions import BaseDistribution, CategoricalDistribution
from pydantic import Field
from torch import Tensor

from harness.losses.effective_numbers import class_balanced_weights
from harness.losses.loss import Loss, weighted_cross_entropy
from harness.losses.schedule import LossSchedule


@dataclass(frozen=True)
class ClassBalancedLoss(Loss):
    """The mean of -w_y log p_y, with a weight for each class."""

    key_name: ClassVar[str] = "class-balanced"
    positive: float
    negative: float

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the scalar loss of logits (N, 2) and labels (N,) in {0, 1}."""
        return weighted_cross_entropy(logits, labels, self.positive, self.negative)


@dataclass(frozen=True)
class ClassBalanced(LossSchedule):
    """Weights (1 - beta) / (1 - beta^n_y), scaled to sum to the number of classes, in every round."""

    key_name: ClassVar[str] = "class-balanced"
    source = "Cui et al. 2019, equation (2), Sec. 4"
    search_space: ClassVar[Mapping[str, BaseDistribution]] = {
        "beta": CategoricalDistribution([0.9, 0.99, 0.999, 0.9999]),
    }

    beta: Annotated[float, Field(ge=0, lt=1)] = 0.9999

    def resolve(self, round: int, positives: int, negatives: int) -> ClassBalancedLoss:  # noqa: ARG002 - the same in all
        """Return the loss for these counts, whatever the round."""
        return ClassBalancedLoss(*class_balanced_weights(self.beta, positives, negatives))


CLASS_BALANCED = ClassBalanced()
