"""Random views of training images: all geometry of a whole batch as one sampling grid, then all colour as one matrix.

What is random is drawn on the CPU, apart from the pixels: a few small tensors, which a device that has the images is
sent; all that follows computes on it alone and waits for nothing.

Maps run backwards, from a view's coordinates in [-1, 1] to the image's, so the first one is the image's last change.
"""

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from harness.training.colour_jitter import ColourMaps, change_colours, colour_maps, random_colour_changes
from harness.training.elastic_warp import control_points, random_offsets, sampling_grid

Views = tuple[Tensor, ...]
"""What one batch's views are made by, (N, ...) each: nothing; maps (N, 2, 3); or `control_destinations` and a colour's
multipliers and greys.
"""

# ImageNet's channel statistics, so that convolutions pretrained there see what they were trained on.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)

# Perez et al. 2018, as in the paper's Table I: rotation up to 90 degrees, shear up to 20, scale 0.8 to 1.2.
_ROTATION = math.pi / 2
_SHEAR = math.radians(20)
_SCALE = (0.8, 1.2)

# Likewise: more than 40 % of the area; the aspect ratio, which Table I leaves open, as in the code of Perez et al.
_CROP_AREA = (0.4, 1.0)
_CROP_RATIO = 4 / 3


def normalise(images: Tensor) -> Tensor:
    """Return uint8 images (N, 3, S, S) as normalised float32 in channels-last layout."""
    return _normalise_(images.to(torch.float32))


def _normalise_(pixels: Tensor) -> Tensor:
    mean, std = _statistics(pixels.device)
    return pixels.sub_(mean).div_(std).contiguous(memory_format=torch.channels_last)


@lru_cache(maxsize=8)
def _statistics(device: torch.device) -> tuple[Tensor, Tensor]:
    """Return mean and sd of each channel in [0, 255], (1, 3, 1, 1): made once, as a GPU would wait for them."""
    with torch.inference_mode(mode=False):
        mean, std = (torch.tensor(values).view(1, 3, 1, 1).mul(255).to(device) for values in (MEAN, STD))
    return mean, std


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


def crop_matrices(count: int, generator: torch.Generator) -> Tensor:
    """Return ``count`` random maps from a crop's to its image's coordinates in [-1, 1], shape (count, 2, 3).

    Area uniform in [0.4, 1] of the image, aspect ratio log-uniform in [3/4, 4/3] but never longer than the image, place
    uniform. Source: the paper's Table I.
    """
    area = _uniform(count, *_CROP_AREA, generator)
    ratio = torch.exp(_uniform(count, -math.log(_CROP_RATIO), math.log(_CROP_RATIO), generator))
    ratio = torch.clamp(ratio, area, 1 / area)
    sides = torch.stack([area * ratio, area / ratio], dim=1).sqrt().clamp(max=1)
    centres = (torch.rand(count, 2, generator=generator) * 2 - 1) * (1 - sides)
    return torch.cat([torch.diag_embed(sides), centres.unsqueeze(2)], dim=2)


def control_destinations(count: int, generator: torch.Generator) -> Tensor:
    """Return where in the image the control points of ``count`` elastic views look, shape (count, 16, 2).

    The image is cropped, rotated, sheared, scaled, flipped and warped, in the order of Perez et al.'s code but for the
    flips, which come last there: angles, shears and offsets are as likely as their mirror images, so it is all one.
    What the later moves bring in from beyond the crop is the image itself, mirrored at its own edges only.
    """
    warped = control_points() + random_offsets(count, generator)
    affine = affine_matrices(count, "flips-affine", generator)
    crops = crop_matrices(count, generator)
    return _moved(_moved(warped, affine), crops)


def _moved(points: Tensor, matrices: Tensor) -> Tensor:
    return points @ matrices[:, :, :2].mT + matrices[:, :, 2].unsqueeze(1)


def augment(images: Tensor, kind: str, generator: torch.Generator) -> Tensor:
    """Return normalised random views of uint8 images (N, 3, S, S): one interpolation, edges reflected.

    ``kind``: ``none``, ``flips``, ``flips-affine`` or ``paper``, all of the paper's Table I: geometry, then colour.
    """
    drawn = drawn_views(len(images), kind, generator)
    return views_of(images, kind, tuple(one.to(images.device) for one in drawn))


def drawn_views(count: int, kind: str, generator: torch.Generator) -> Views:
    """Return what ``count`` random views are made by, on the CPU. The draws never depend on the images."""
    if kind == "none":
        return ()
    if kind == "paper":
        destinations = control_destinations(count, generator)
        return destinations, *colour_maps(random_colour_changes(count, generator))
    return (affine_matrices(count, kind, generator),)


def views_of(images: Tensor, kind: str, drawn: Views) -> Tensor:
    """Return the views of uint8 images (N, 3, S, S) that were ``drawn``, both on one device, as `augment` does."""
    if kind == "paper":
        destinations, *colours = drawn
        seen = _sampled(images.to(torch.float32), sampling_grid(destinations, images.shape[-1]))
        return _normalise_(change_colours(seen, ColourMaps(*colours)))
    pixels = normalise(images)
    if kind == "none":
        return pixels
    grid = F.affine_grid(drawn[0], list(pixels.shape), align_corners=False)
    return _sampled(pixels, grid).contiguous(memory_format=torch.channels_last)


def _sampled(pixels: Tensor, grid: Tensor) -> Tensor:
    return F.grid_sample(pixels, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
