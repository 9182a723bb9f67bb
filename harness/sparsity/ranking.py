"""Which weights a density keeps: rankings, ties by index."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from harness.sparsity.layer_densities import layer_counts
from harness.sparsity.mask import DensityUnreachable, Mask, Scope, Scores


def largest(values: npt.NDArray[np.floating], count: int) -> npt.NDArray[np.bool_]:
    """Return which ``count`` of ``values`` (N,) are largest: exactly that many, ties kept by lower index."""
    chosen = np.zeros(values.shape, dtype=bool)
    if count <= 0:
        return chosen
    if count >= values.size:
        return ~chosen
    threshold = np.partition(values, values.size - count)[values.size - count]
    chosen |= values > threshold
    tied = np.flatnonzero(values == threshold)
    chosen[tied[: count - int(chosen.sum())]] = True
    return chosen


def prune_least(scores: Scores, mask: Mask, density: float, scope: Scope = "layer") -> Mask:
    """Return the mask of ``density`` that drops the remaining weights with the least scores.

    ``scores`` has one real tensor per mask entry, higher = keep; pruned weights stay pruned whatever their score.
    Exact to one weight of the whole network's parameters; ties by index. ``scope`` ranks over all layers together
    (``global``) or within each layer: ``layer`` has the same density everywhere, ``erk`` and ``uniform+`` have those of
    `layer_counts`. Raises ValueError for a wrong name, shape or non-finite score, `DensityUnreachable` where the
    unprunable parameters, or with them what ``uniform+`` exempts, exceed the density.
    """
    _check_scores(scores, mask)
    budget = _weight_budget(mask, density)
    if scope != "global":
        return keep_largest(scores, mask, layer_counts(mask, budget, scope))
    values = [_remaining(scores[name], mask[name]) for name in mask]
    chosen = largest(np.concatenate(values), budget)
    parts = np.split(chosen, np.cumsum([value.size for value in values])[:-1])
    return Mask({name: _kept(mask[name], part) for name, part in zip(mask, parts, strict=True)}, mask.total)


def keep_largest(scores: Scores, mask: Mask, counts: Mapping[str, int]) -> Mask:
    """Return ``mask`` with the ``counts`` remaining weights of each layer that have the largest scores.

    Ties by index. Raises ValueError as `prune_least` does, and for a count that the layer does not hold.
    """
    _check_scores(scores, mask)
    for name, tensor in mask.items():
        if not 0 <= counts[name] <= int(tensor.sum()):
            raise ValueError(f"{name} has {int(tensor.sum())} weights left, {counts[name]} are to be kept")
    chosen = {name: largest(_remaining(scores[name], mask[name]), counts[name]) for name in mask}
    return Mask({name: _kept(mask[name], chosen[name]) for name in mask}, mask.total)


def _remaining(score: Tensor, mask: Tensor) -> npt.NDArray[np.floating]:
    """Return the scores of one tensor's remaining weights, (kept,); float32 stays so, which is quicker to rank."""
    exact = score.detach().cpu() if score.dtype == torch.float32 else score.detach().cpu().double()
    values: npt.NDArray[np.floating] = exact.numpy().ravel()[mask.numpy().ravel()]
    return values


def _kept(mask: Tensor, chosen: npt.NDArray[np.bool_]) -> Tensor:
    """Return ``mask`` without those of its remaining weights that are not ``chosen`` (kept,)."""
    flat = np.zeros(mask.numel(), dtype=bool)
    flat[mask.numpy().ravel()] = chosen
    return torch.from_numpy(flat).view(mask.shape)


def _weight_budget(mask: Mask, density: float) -> int:
    """Return how many maskable weights ``density`` leaves once the unprunable parameters are paid for."""
    unprunable = mask.total - sum(tensor.numel() for tensor in mask.values())
    budget = round(density * mask.total) - unprunable
    remaining = mask.kept - unprunable
    if budget < 0:
        raise DensityUnreachable(
            f"density {density:g} leaves {round(density * mask.total)} parameters, but {unprunable} can't be pruned"
        )
    if budget > remaining:
        raise ValueError(f"density {density:g} is above the mask's {mask.density:g}: pruned weights don't return")
    return budget


def _check_scores(scores: Scores, mask: Mask) -> None:
    if set(scores) != set(mask):
        raise ValueError(f"scores and mask differ in names: {sorted(set(scores) ^ set(mask))}")
    for name, score in scores.items():
        if score.shape != mask[name].shape:
            raise ValueError(f"score of {name} has shape {tuple(score.shape)}, not {tuple(mask[name].shape)}")
        if not bool(torch.isfinite(score).all()) and not bool(torch.isfinite(score[mask[name]]).all()):
            raise ValueError(f"score of {name} is not finite")
