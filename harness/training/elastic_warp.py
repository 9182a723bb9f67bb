"""Thin-plate-spline warps: where 16 control points of a view look decides where each of its pixels looks.

Coordinates are (x, y) in [-1, 1], from one outer edge of an image to the other.
"""

from functools import lru_cache

import torch
from torch import Tensor

_POINTS_PER_SIDE = 4
_REACH = 0.1 * 2  # a tenth of the width, which is 2 here


def control_points() -> Tensor:
    """Return the evenly spaced control points, edges included, shape (16, 2).

    Source: the paper's Table I and text, "an evenly-spaced 4x4 grid"; edges as in the code of Perez et al. 2018.
    """
    places = torch.linspace(-1, 1, _POINTS_PER_SIDE)
    return torch.cartesian_prod(places, places).flip(1)


def random_offsets(count: int, generator: torch.Generator) -> Tensor:
    """Return how far each control point moves in ``count`` warps, uniform in [-0.2, 0.2], shape (count, 16, 2)."""
    draws = torch.rand(count, _POINTS_PER_SIDE**2, 2, generator=generator)
    return (draws * 2 - 1) * _REACH


def sampling_grid(destinations: Tensor, size: int) -> Tensor:
    """Return where each pixel looks if the control points look at ``destinations`` (N, 16, 2): (N, size, size, 2).

    The control points do not move, so the spline is a fixed matrix times the destinations. It adds nothing to an affine
    map, so destinations that were mapped by one give the same grid as the warp followed by that map.
    """
    flat = destinations.mT.reshape(-1, _POINTS_PER_SIDE**2) @ spline_basis(size, destinations.device)
    return flat.view(-1, 2, size, size).permute(0, 2, 3, 1)


@lru_cache(maxsize=8)
def spline_basis(size: int, device: torch.device) -> Tensor:
    """Return each control point's weight at each pixel's centre, float32, shape (16, size * size)."""
    places = (torch.arange(size, dtype=torch.float64) * 2 + 1) / size - 1
    centres = torch.cartesian_prod(places, places).flip(1)
    return spline_weights(centres).mT.contiguous().to(device, torch.float32)


def spline_weights(points: Tensor) -> Tensor:
    """Return each control point's weight at float64 ``points`` (P, 2) on the thin-plate spline, shape (P, 16).

    Source: Bookstein 1989, the interpolant of least bending energy: r^2 log r and an affine part.
    """
    controls = control_points().double()
    count = len(controls)
    system = torch.zeros(count + 3, count + 3, dtype=torch.float64)
    system[:count] = _terms(controls, controls)
    system[count:, :count] = system[:count, count:].mT
    # Column k solves for the spline that is 1 at control point k and 0 at the others.
    coefficients: Tensor = torch.linalg.solve(system, torch.eye(count + 3, dtype=torch.float64)[:, :count])
    return _terms(points, controls) @ coefficients


def _terms(points: Tensor, controls: Tensor) -> Tensor:
    """Return the spline's terms at each point: r^2 log r for each control point, 1, x and y, shape (P, 16 + 3)."""
    squares = (points.unsqueeze(1) - controls).square().sum(2)
    kernel = torch.special.xlogy(squares, squares) / 2
    return torch.cat([kernel, torch.ones(len(points), 1, dtype=points.dtype), points], dim=1)
