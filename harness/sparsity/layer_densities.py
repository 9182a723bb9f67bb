"""How many weights each layer keeps, in the scopes that set a density for every layer by itself."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from harness.sparsity.mask import DensityUnreachable, Mask

LayerScope = Literal["layer", "erk", "uniform+"]
Counts = npt.NDArray[np.int64]

_LAST_LINEAR_KEEPS = 5
"""One weight in so many of the last linear layer stays under ``uniform+``."""
_DIGITS = 6
"""Shares that differ by less are one: the rounding of the machine must not break a tie between layers."""


def layer_counts(mask: Mask, budget: int, scope: LayerScope) -> dict[str, int]:
    """Return how many of the remaining weights of each layer stay, by name; they sum to ``budget``.

    ``layer``: the same density everywhere.
    ``erk``: densities proportional to the sum of a weight's dimensions over their product, n_in + n_out + k_h + k_w in
    a convolution and n_in + n_out in a linear layer; layers that would exceed 1 stay whole, and the rest is scaled
    again. n_in is the weight's own, 1 in a depthwise convolution.
    ``uniform+``: the same density everywhere, but the first convolution stays whole and the last linear layer keeps a
    fifth at least; layers too small to prune are no layers here.

    Densities are of the dense layers. No layer keeps more than ``mask`` has left of it: the others share what it cannot
    take. Raises `DensityUnreachable` where what ``uniform+`` exempts alone exceeds the budget.
    Source: erk: Mocanu et al. 2018, with kernels in Evci et al. 2020, arXiv:1911.11134, Sec. 3; uniform+: Gale, Elsen &
    Hooker 2019, arXiv:1902.09574 (their ResNet-50), named in the code of Lee et al. 2021, arXiv:2010.07611.
    """
    left = np.array([int(tensor.sum()) for tensor in mask.values()], dtype=np.int64)
    proportions = [sum(tensor.shape) if scope == "erk" else tensor.numel() for tensor in mask.values()]
    least = np.minimum(_exempt(mask), left) if scope == "uniform+" else np.zeros_like(left)
    if budget < int(least.sum()):
        raise DensityUnreachable(
            f"uniform+ keeps {int(least.sum())} weights of the first convolution and the last linear layer,"
            f" but only {budget} weights may stay in all"
        )
    quotas = layer_quotas(np.array(proportions, dtype=np.int64), least, left, budget)
    return dict(zip(mask, quotas, strict=True))


def layer_quotas(proportions: Counts, least: Counts, most: Counts, budget: int) -> list[int]:
    """Share ``budget`` weights among layers in proportion to ``proportions`` > 0, exact in sum, each within its limits.

    The exact shares are s * proportions, limited to ``least`` and ``most``, with the s at which they sum to the budget.
    Largest remainders get the odd weights, ties by the earlier layer. Raises ValueError where the limits forbid it.
    """
    if not int(least.sum()) <= budget <= int(most.sum()):
        raise ValueError(f"{budget} weights cannot be shared among layers that hold {int(most.sum())}")
    # The sum is piecewise linear in s, and bends where a layer meets a limit.
    bends = np.unique(np.concatenate([[0.0], least / proportions, most / proportions]))
    sums = np.clip(bends[:, None] * proportions, least, most).sum(axis=1)
    shares = np.clip(np.interp(budget, sums, bends) * proportions, least, most).round(_DIGITS)
    quotas = np.floor(shares).astype(np.int64)
    by_remainder = np.argsort((quotas - shares).round(_DIGITS), kind="stable")
    quotas[by_remainder[: budget - int(quotas.sum())]] += 1
    return [int(quota) for quota in quotas]


def _exempt(mask: Mask) -> Counts:
    """Return how many weights of each dense layer ``uniform+`` never prunes."""
    least = np.zeros(len(mask), dtype=np.int64)
    tensors = list(mask.values())
    convolutions = [index for index, tensor in enumerate(tensors) if tensor.dim() == 4]
    linear = [index for index, tensor in enumerate(tensors) if tensor.dim() == 2]
    for index in convolutions[:1]:
        least[index] = tensors[index].numel()
    for index in linear[-1:]:
        least[index] = -(-tensors[index].numel() // _LAST_LINEAR_KEEPS)
    return least
