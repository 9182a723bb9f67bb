"""Everything random about simulated images, drawn before a pixel is: one stream an image, the latents first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class ImageDraws:
    """The draws of N images; the class reaches them through ``latents`` and nothing else."""

    LATENTS: ClassVar[tuple[str, ...]]
    UNIFORMS: ClassVar[tuple[str, ...]]
    NORMALS: ClassVar[tuple[str, ...]]

    latents: Tensor  # (N, len(LATENTS))
    uniforms: Tensor  # (N, len(UNIFORMS)), in [0, 1)
    normals: Tensor  # (N, len(NORMALS))
    noise: tuple[Tensor, ...]  # one per level: (N, fields with a weight there, level, level), standard normal
    grain: Tensor  # (N, channels, size, size), standard normal

    def latent(self, name: str) -> Tensor:
        """Return one latent, shape (N, 1, 1)."""
        return self.latents[:, self.LATENTS.index(name), None, None]

    def uniform(self, name: str, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Return one draw from [low, high), shape (N, 1, 1)."""
        return low + (high - low) * self.uniforms[:, self.UNIFORMS.index(name), None, None]

    def normal(self, name: str) -> Tensor:
        """Return one standard normal draw, shape (N, 1, 1)."""
        return self.normals[:, self.NORMALS.index(name), None, None]

    def chance(self, name: str, probability: float) -> Tensor:
        """Return 1 in that share of the images, else 0, shape (N, 1, 1)."""
        return (self.uniform(name) < probability).float()


def uniforms(streams: Sequence[np.random.Generator], *shape: int) -> Tensor:
    """Draw from [0, 1), shape (N, *shape), one stream an image."""
    return torch.from_numpy(np.stack([stream.random(shape, dtype=np.float32) for stream in streams]))


def normals(streams: Sequence[np.random.Generator], *shape: int) -> Tensor:
    """Draw standard normals, shape (N, *shape), one stream an image."""
    return torch.from_numpy(np.stack([stream.standard_normal(shape, dtype=np.float32) for stream in streams]))


def noise_grids(
    streams: Sequence[np.random.Generator], levels: Sequence[int], weights: Mapping[str, tuple[float, ...]]
) -> tuple[Tensor, ...]:
    """Draw the grids that `harness.datasets.painting.fractal_noise` makes fields of: only those with a weight."""
    fields = [sum(field[level] != 0 for field in weights.values()) for level in range(len(levels))]
    return tuple(normals(streams, count, level, level) for count, level in zip(fields, levels, strict=True))
