"""What ranks positives above negatives, in the place of the paper's equation (3).

Source: Entezari & Saukh 2020. Equation (3) as printed cannot be trained: its minus sign makes minimisation increase the
hinge, and with ranks in the place of scores it is a constant. The all-pairs squared hinge is the convex surrogate of
1 - AUC that it stands for; the pointwise one is equation (3) with the fewest repairs (docs/losses.md).
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def has_both_classes(labels: Tensor) -> bool:
    """Return whether a batch has a pair to rank; without one the ranking term is zero."""
    positives = int(labels.sum())
    return 0 < positives < labels.numel()


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
