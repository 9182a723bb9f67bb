"""Drawing on batches of maps: enlarging, splatting strokes, blurring.

No matrix product, convolution or reduction over pixels: their rounding may depend on the batch, and a simulated image
must not.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

REFERENCE_SIZE = 128  # the size at which lengths in pixels were chosen
BICUBIC_LOSS = 0.88  # standard deviation left of white noise after bicubic enlargement


def fractal_noise(grids: tuple[Tensor, ...], weights: Mapping[str, tuple[float, ...]], size: int) -> dict[str, Tensor]:
    """Return each field of ``weights``, shape (N, size, size), mean 0 and standard deviation about 1.

    A field's weights are those of its grids, coarse to fine. One pyramid for all: enlarge, add the next grid, enlarge
    again. Grids finer than the image are left out.
    """
    shares = torch.tensor(list(weights.values()), device="cpu", dtype=torch.float32)
    scale = 1 / (BICUBIC_LOSS * shares.square().sum(1).sqrt())
    fields = torch.zeros(len(grids[0]), len(shares), 1, 1, device="cpu", dtype=torch.float32)
    for grid, share in zip(grids, shares.T, strict=True):
        if grid.shape[-1] > size:
            break
        used = share.nonzero()[:, 0]
        fields = enlarge(fields, grid.shape[-1])
        fields[:, used] += grid * (share * scale)[used, None, None]
    return dict(zip(weights, enlarge(fields, size).unbind(1), strict=True))


def enlarge(fields: Tensor, size: int) -> Tensor:
    """Resample maps of shape (N, fields, s, s) to ``size``."""
    if fields.shape[-1] == 1:
        return fields.repeat(1, 1, size, size)
    if fields.shape[-1] == size:
        return fields
    return functional.interpolate(fields, size=(size, size), mode="bicubic", align_corners=False)


def grid_axis(size: int) -> Tensor:
    """Return the pixel centres along one axis, shape (size,), in -1..1."""
    return (torch.arange(size, device="cpu", dtype=torch.float32) * 2 + 1) / size - 1


def splat(x: Tensor, y: Tensor, weight: Tensor, size: int) -> Tensor:
    """Add points of shape (N, strokes, points) bilinearly to maps of shape (N, size, size)."""
    column, row = (x + 1) * (size / 2) - 0.5, (y + 1) * (size / 2) - 0.5
    left, top = column.floor(), row.floor()
    canvas = torch.zeros(len(x), size * size, device="cpu", dtype=torch.float32)
    for right in (0, 1):
        for below in (0, 1):
            u, v = left + right, top + below
            share = weight * (1 - (column - u).abs()) * (1 - (row - v).abs())
            inside = (u >= 0) & (u < size) & (v >= 0) & (v < size)
            index = (v.clamp(0, size - 1) * size + u.clamp(0, size - 1)).long()
            canvas.scatter_add_(1, index.flatten(1), (share * inside).flatten(1))
    return canvas.view(-1, size, size)


def gaussian_blur(maps: Tensor, sigma: float) -> Tensor:
    """Blur the last two axes, edges repeated, by shifted sums. ``sigma`` is in pixels."""
    reach = max(1, round(3 * sigma))
    taps = [float(np.exp(-0.5 * (offset / sigma) ** 2)) for offset in range(-reach, reach + 1)]
    return shifted_sum(maps, [tap / sum(taps) for tap in taps])


def shifted_sum(maps: Tensor, taps: list[float]) -> Tensor:
    """Filter maps of shape (N, ..., size, size) by ``taps`` along both axes, edges repeated."""
    size, reach = maps.shape[-1], len(taps) // 2
    nearest = torch.arange(-reach, size + reach, device="cpu").clamp(0, size - 1)
    for axis in (-1, -2):
        padded = maps.index_select(axis, nearest)
        maps = padded.narrow(axis, 0, size) * taps[0]
        for offset, tap in enumerate(taps[1:], 1):
            maps = maps + padded.narrow(axis, offset, size) * tap
    return maps
