"""The class-dependent loss: weighted cross-entropy plus lambda times an all-pairs squared hinge.

Source: Entezari & Saukh 2020, equations (1)-(3). Equation (3) as printed cannot be trained: its minus sign makes
minimisation increase the hinge, and with ranks in the place of scores it is a constant. The all-pairs squared hinge
is the convex surrogate of 1 - AUC that it stands for (docs/losses.md).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Loss:
    """A resolved loss: ``gamma`` weighs the positives (negatives weigh 1), ``lambda_`` the ranking term."""

    gamma: float = 1.0
    lambda_: float = 0.0

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the scalar loss of logits (N, 2) and labels (N,) in {0, 1}."""
        loss = weighted_cross_entropy(logits, labels, self.gamma)
        if self.lambda_ and has_both_classes(labels):
            loss = loss + self.lambda_ * all_pairs_squared_hinge(logits[:, 1] - logits[:, 0], labels)
        return loss


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
