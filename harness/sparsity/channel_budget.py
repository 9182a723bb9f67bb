"""How many channels of each group a density leaves: the narrower network's real parameter count decides."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from harness.sparsity.mask import DensityUnreachable
from harness.sparsity.ranking import largest
from harness.sparsity.surgery import ChannelGroup

SIZE_TOLERANCE = 0.02
"""Allowed |parameters - asked| / asked of a narrowed network: channels are whole, so that counts come in steps."""

_CLOSE = 0.01
_MOST_EDITS = 8
_MOST_TRIED = 100_000

ChannelScope = Literal["layer", "global"]
GroupWidths = npt.NDArray[np.int64]


class ParameterCount:
    """The number of parameters of a network as a function of its groups' widths: a sum of products of two at most."""

    def __init__(self, network: nn.Module, groups: Sequence[ChannelGroup]) -> None:
        self.full: GroupWidths = np.array([group.channels for group in groups], dtype=np.int64)
        where = {slice_: index for index, group in enumerate(groups) for slice_ in group.slices}
        self._constant = 0
        self._single = np.zeros(len(groups), dtype=np.int64)
        self._pair = np.zeros((len(groups), len(groups)), dtype=np.int64)
        for name, parameter in network.named_parameters():
            indices = [where[name, dimension] for dimension in range(parameter.dim()) if (name, dimension) in where]
            each = parameter.numel() // int(np.prod(self.full[indices], dtype=np.int64))
            if not indices:
                self._constant += each
            elif len(indices) == 1:
                self._single[indices[0]] += each
            else:
                self._pair[indices[0], indices[1]] += each

    def __call__(self, widths: GroupWidths) -> GroupWidths:
        """Return the counts of widths (..., groups), shape (...)."""
        counts: GroupWidths = self._constant + widths @ self._single + ((widths @ self._pair) * widths).sum(-1)
        return counts


def remaining_channels(
    network: nn.Module,
    groups: Sequence[ChannelGroup],
    scores: Mapping[str, Tensor],
    density: float,
    scope: ChannelScope,
) -> dict[str, Tensor]:
    """Return which channels of each group remain, bool (channels,), so that ``density`` of all parameters is left.

    ``scores`` has one real (channels,) tensor per group name, higher = keep; ties by index. ``scope`` ``layer`` leaves
    each group the same share of its channels, ``global`` ranks all channels together. Every group keeps one at least.
    A few single channels more or less bring the count within 1 % of the density where that is possible. Raises
    ValueError for wrong scores, `DensityUnreachable` where no such count is within 2 %.
    """
    values = [_checked(scores, group) for group in groups]
    if set(scores) != {group.name for group in groups}:
        raise ValueError(f"scores and channels differ in names: {sorted(set(scores) ^ {g.name for g in groups})}")
    count = ParameterCount(network, groups)
    asked = density * int(count(count.full))
    at = _uniform(count.full) if scope == "layer" else _ranked(values)
    widths = _edited(count, _nearest(count, at, asked), asked)
    found = int(count(widths))
    if abs(found - asked) > SIZE_TOLERANCE * asked:
        raise DensityUnreachable(f"no widths leave {asked:,.0f} parameters within 2 %: the nearest leave {found:,}")
    chosen = (largest(value, int(width)) for value, width in zip(values, widths, strict=True))
    return {group.name: torch.from_numpy(mask) for group, mask in zip(groups, chosen, strict=True)}


def _checked(scores: Mapping[str, Tensor], group: ChannelGroup) -> npt.NDArray[np.float64]:
    if group.name not in scores:
        raise ValueError(f"no scores for the channels of {group.name}")
    values = scores[group.name].detach().cpu().double().numpy()
    if values.shape != (group.channels,):
        raise ValueError(f"scores of {group.name} have shape {values.shape}, not ({group.channels},)")
    if not np.isfinite(values).all():
        raise ValueError(f"scores of {group.name} are not finite")
    return values


WidthsAt = tuple[Callable[[int], GroupWidths], int]
"""Widths that never shrink from step 0 to the last one, and that last step."""


def _uniform(full: GroupWidths) -> WidthsAt:
    """Return the widths with the same share of every group's channels, by thousandths of its widest group's."""
    steps = 1000 * int(full.max())
    return lambda step: np.maximum(1, (full * step + steps // 2) // steps), steps


def _ranked(values: Sequence[npt.NDArray[np.float64]]) -> WidthsAt:
    """Return the widths with the best channels of all groups; each group's best one comes before all others."""
    owner = np.concatenate([np.full(value.size, index) for index, value in enumerate(values)])
    first = np.zeros(owner.size, dtype=bool)
    starts = np.cumsum([0, *[value.size for value in values]])[:-1]
    first[[start + int(np.argmax(value)) for start, value in zip(starts, values, strict=True)]] = True
    flat = np.concatenate(values)
    order = np.lexsort((np.arange(flat.size), -flat, ~first))
    groups = len(values)
    return lambda step: np.bincount(owner[order[: groups + step]], minlength=groups), flat.size - groups


def _nearest(count: ParameterCount, at: WidthsAt, asked: float) -> GroupWidths:
    """Return the widths whose count is nearest to ``asked``, the narrower on a tie, by bisection."""
    widths_at, last = at
    low, high = 0, last
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if int(count(widths_at(middle))) >= asked else (middle + 1, high)
    return min((widths_at(max(low - 1, 0)), widths_at(low)), key=lambda widths: abs(int(count(widths)) - asked))


def _edited(count: ParameterCount, widths: GroupWidths, asked: float) -> GroupWidths:
    """Return ``widths`` with the fewest single channels more or less that come close to ``asked``; else the nearest."""
    units = np.concatenate([np.eye(widths.size, dtype=np.int64), -np.eye(widths.size, dtype=np.int64)])
    best = widths
    for edits in range(1, _MOST_EDITS + 1):
        if abs(int(count(best)) - asked) <= _CLOSE * asked or math.comb(len(units) + edits - 1, edits) > _MOST_TRIED:
            break
        combinations = itertools.combinations_with_replacement(range(len(units)), edits)
        tried = widths + units[np.array(list(combinations))].sum(axis=1)
        tried = np.concatenate([best[None], tried[((tried >= 1) & (tried <= count.full)).all(axis=1)]])
        best = tried[np.argmin(np.abs(count(tried) - asked))]
    return best
