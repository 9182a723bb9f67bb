"""The class-dependent loss: weighted cross-entropy plus lambda times a ranking term.

Source: Entezari & Saukh 2020, equations (1)-(3). Equation (3) as printed cannot be trained: its minus sign makes
minimisation increase the hinge, and with ranks in the place of scores it is a constant. The all-pairs squared hinge
is the convex surrogate of 1 - AUC that it stands for; the pointwise one is equation (3) with the fewest repairs
(docs/losses.md).
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Loss:
    """A resolved loss: ``gamma`` weighs the positives (negatives weigh 1), ``lambda_`` the ranking term: all pairs.

    A stored training is known by its loss's fields and class, so another formula is another class. ``key_name`` is what
    keys call the class; these two have none, as ever. A subclass that gives none is known by its module and name.
    """

    key_name: ClassVar[str] = ""
    gamma: float = 1.0
    lambda_: float = 0.0

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the scalar loss of logits (N, 2) and labels (N,) in {0, 1}."""
        loss = weighted_cross_entropy(logits, labels, self.gamma)
        if self.lambda_ and self._ranks(labels):
            loss = loss + self.lambda_ * self._ranking(logits[:, 1] - logits[:, 0], labels)
        return loss

    def _ranks(self, labels: Tensor) -> bool:
        return has_both_classes(labels)

    def _ranking(self, scores: Tensor, labels: Tensor) -> Tensor:
        return all_pairs_squared_hinge(scores, labels)


@dataclass(frozen=True)
class PointwiseLoss(Loss):
    """A `Loss` whose ranking term is the pointwise hinge. A class of its own, so that a `Loss` is what it always was.

    One more field in `Loss` would make every stored training another one.
    """

    key_name: ClassVar[str] = ""
    ranking: Literal["pointwise"] = "pointwise"

    def _ranks(self, labels: Tensor) -> bool:
        return labels.numel() > 0

    def _ranking(self, scores: Tensor, labels: Tensor) -> Tensor:
        return pointwise_squared_hinge(scores, labels)


def has_both_classes(labels: Tensor) -> bool:
    """Return whether a batch has a pair to rank; without one the ranking term is zero."""
    positives = int(labels.sum())
    return 0 < positives < labels.numel()


def weighted_cross_entropy(logits: Tensor, labels: Tensor, gamma: float) -> Tensor:
    """Return the mean of -gamma_y log p(y): positives weigh ``gamma``, negatives 1 (equation 2).

    The plain mean over N, not torch's weighted mean, so that a batch's class mix does not change the step size.
    """
    losses = F.cross_entropy(logits, labels.long(), reduction="none")
    return (losses * torch.where(labels > 0, gamma, 1.0)).mean()


def all_pairs_squared_hinge(scores: Tensor, labels: Tensor, margin: float = 1.0) -> Tensor:
    """Return the mean of max(0, margin - (s_i - s_j))^2 over all pairs (positive i, negative j).

    ``scores`` (N,), ``labels`` (N,) with both classes. O(N log N): with u = s_i - margin sorted, each negative pairs
    with the u below it, whose count, sum and sum of squares are prefix sums. Centred and in float64, since the
    difference of sums cancels. At margin 1 it bounds 1 - AUC from above, ties included.
    """
    values = scores.double()
    values = values - values.detach().mean()
    shifted = (values[labels > 0] - margin).sort().values
    negatives = values[labels <= 0]
    below = torch.searchsorted(shifted.detach(), negatives.detach())
    sums = F.pad(shifted.cumsum(0), (1, 0))[below]
    squares = F.pad(shifted.square().cumsum(0), (1, 0))[below]
    pairs = (below * negatives.square() - 2 * negatives * sums + squares).sum()
    return (pairs / (shifted.numel() * negatives.numel())).to(scores.dtype)


def pointwise_squared_hinge(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the mean of max(0, 1 - s)^2 over the positives plus the mean of max(0, 1 + s)^2 over the negatives.

    ``scores`` (N,), ``labels`` (N,), N >= 1; a class without an image adds nothing. Means over each class, not over
    the batch: then twice the sum is never below `all_pairs_squared_hinge` at margin 2, and half of it not below
    1 - AUC. Source: equation (3) with labels -1 and +1, scores in the place of ranks, and without its minus sign.
    """
    positive = labels > 0
    sides = (1 - scores[positive], 1 + scores[~positive])
    means = [side.clamp(min=0).square().mean() for side in sides if side.numel()]
    return torch.stack(means).sum()
