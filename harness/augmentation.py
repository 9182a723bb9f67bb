"""Random views of training images: flips and affine maps of a whole batch as one sampling grid."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

# ImageNet's channel statistics, so that convolutions pretrained there see what they were trained on.
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)

# Perez et al. 2018, as in the paper's Table I: rotation up to 90 degrees, shear up to 20, scale 0.8 to 1.2.
_ROTATION = math.pi / 2
_SHEAR = math.radians(20)
_SCALE = (0.8, 1.2)


def normalise(images: Tensor) -> Tensor:
    """Return uint8 images (N, 3, S, S) as normalised float32 in channels-last layout."""
    mean = torch.tensor(_MEAN, device=images.device).view(1, 3, 1, 1) * 255
    std = torch.tensor(_STD, device=images.device).view(1, 3, 1, 1) * 255
    return images.to(torch.float32).sub_(mean).div_(std).contiguous(memory_format=torch.channels_last)


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return torch.rand(count, generator=generator) * (high - low) + low


def affine_matrices(count: int, kind: str, generator: torch.Generator) -> Tensor:
    """Return ``count`` random maps from output to input coordinates in [-1, 1], shape (count, 2, 3).

    ``kind``: ``flips`` mirrors each axis with probability 1/2; ``flips-affine`` also rotates, shears and scales.
    The draws of one call never depend on the images.
    """
    matrices = torch.eye(2).repeat(count, 1, 1)
    if kind == "flips-affine":
        angle = _uniform(count, -_ROTATION, _ROTATION, generator)
        shear = torch.tan(_uniform(count, -_SHEAR, _SHEAR, generator))
        scale = _uniform(count, *_SCALE, generator)
        cos, sin = torch.cos(angle), torch.sin(angle)
        rotation = torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2)
        matrices[:, 0, 1] = shear
        matrices = rotation @ matrices / scale.view(-1, 1, 1)
    signs = torch.randint(0, 2, (count, 2), generator=generator) * 2 - 1
    matrices = matrices * signs.view(count, 1, 2)
    return torch.cat([matrices, torch.zeros(count, 2, 1)], dim=2)


def augment(images: Tensor, kind: str, generator: torch.Generator) -> Tensor:
    """Return normalised random views of uint8 images (N, 3, S, S): one interpolation, edges reflected."""
    pixels = normalise(images)
    if kind == "none":
        return pixels
    matrices = affine_matrices(len(images), kind, generator).to(images.device)
    grid = F.affine_grid(matrices, list(pixels.shape), align_corners=False)
    views = F.grid_sample(pixels, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return views.contiguous(memory_format=torch.channels_last)
