"""What ranks positives above negatives, in the place of the paper's equation (3).

Source: Entezari & Saukh 2020. Equation (3) as printed cannot be trained: its minus sign makes minimisation increase the
hinge, and with ranks in the place of scores it is a constant. The all-pairs squared hinge is the convex surrogate of
1 - AUC that it stands for; the pointwise one is equation (3) with the fewest repairs (docs/losses.md).
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def all_pairs_squared_hinge(scores: Tensor, labels: Tensor, margin: float = 1.0) -> Tensor:
    """Return the mean of max(0, margin - (s_i - s_j))^2 over all pairs (positive i, negative j); 0 where there is none.

    ``scores`` (N,), ``labels`` (N,). O(N log N): with u = s_i - margin sorted, each negative pairs with the u below it,
    whose count, sum and sum of squares are prefix sums. Centred and in float64, since the difference of sums cancels.
    At margin 1 it bounds 1 - AUC from above, ties included.
    """
    positive = labels > 0
    values = scores.double()
    values = values - values.detach().mean()
    # What stands for the negatives is sorted in where no value is above it: no shape depends on the labels.
    shifted = torch.where(positive, values - margin, values.detach().max()).sort().values
    below = torch.searchsorted(shifted.detach(), values.detach())
    sums = F.pad(shifted.cumsum(0), (1, 0))[below]
    squares = F.pad(shifted.square().cumsum(0), (1, 0))[below]
    pairs = _sum(below * values.square() - 2 * values * sums + squares, ~positive)
    return (pairs / (positive.sum() * (~positive).sum()).clamp(min=1)).to(scores.dtype)


def pointwise_squared_hinge(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the mean of max(0, 1 - s)^2 over the positives plus the mean of max(0, 1 + s)^2 over the negatives.

    ``scores`` (N,), ``labels`` (N,), N >= 1; a class without an image adds nothing. Means over each class, not over
    the batch: then twice the sum is never below `all_pairs_squared_hinge` at margin 2, and half of it not below
    1 - AUC. Source: equation (3) with labels -1 and +1, scores in the place of ranks, and without its minus sign.
    """
    positive = labels > 0
    return _mean_hinge(1 - scores, positive) + _mean_hinge(1 + scores, ~positive)


def _mean_hinge(sides: Tensor, chosen: Tensor) -> Tensor:
    return _sum(sides.clamp(min=0).square(), chosen) / chosen.sum().clamp(min=1)


def _sum(values: Tensor, chosen: Tensor) -> Tensor:
    """Return the sum of the ``chosen`` of ``values`` (N,). A GPU that picked them out would wait for their number."""
    return values[chosen].sum() if values.is_cpu else torch.where(chosen, values, 0).sum()
