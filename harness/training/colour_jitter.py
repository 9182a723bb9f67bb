"""Random brightness, contrast, saturation and hue of a batch as one 3x3 matrix and one bias per image.

They act in this order and nothing is clipped in between. In YIQ coordinates grey is (Y, 0, 0): saturation scales the
chroma (I, Q) and hue turns it, so both leave Y, and with it every grey, where it is.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

# NTSC 1953. The first row is grey as ITU-R BT.601 weighs it; the others sum to 0.
_TO_YIQ = ((0.299, 0.587, 0.114), (0.595716, -0.274453, -0.321263), (0.211456, -0.522591, 0.311135))

# The paper's Table I: saturation, contrast and brightness modified by 0.3, hue shifted by 0.1 (of the colour circle).
_FACTOR_REACH = 0.3
_HUE_REACH = 0.1


class ColourChanges(NamedTuple):
    """Factors in [0.7, 1.3] and hue shifts in [-0.1, 0.1] of the colour circle (red to green > 0), each (N,)."""

    brightness: Tensor
    contrast: Tensor
    saturation: Tensor
    hue: Tensor


def random_colour_changes(count: int, generator: torch.Generator) -> ColourChanges:
    """Return ``count`` uniform changes. Source: the paper's Table I."""
    draws = torch.rand(4, count, generator=generator) * 2 - 1
    brightness, contrast, saturation = 1 + draws[:3] * _FACTOR_REACH
    return ColourChanges(brightness, contrast, saturation, hue=draws[3] * _HUE_REACH)


def colour_matrices(changes: ColourChanges) -> Tensor:
    """Return what the changes multiply a colour (R, G, B) by, shape (N, 3, 3); contrast also adds a grey."""
    # In the plane of I and Q red, green and blue follow one another clockwise.
    angle = changes.hue * (-2 * math.pi)
    cos, sin = torch.cos(angle) * changes.saturation, torch.sin(angle) * changes.saturation
    in_yiq = torch.zeros(len(angle), 3, 3)
    in_yiq[:, 0, 0] = 1
    in_yiq[:, 1, 1] = in_yiq[:, 2, 2] = cos
    in_yiq[:, 1, 2], in_yiq[:, 2, 1] = -sin, sin
    to_yiq = torch.tensor(_TO_YIQ)
    matrices: Tensor = torch.linalg.inv(to_yiq) @ in_yiq @ to_yiq
    return matrices * (changes.brightness * changes.contrast).view(-1, 1, 1)


class ColourMaps(NamedTuple):
    """What changes colours: ``multipliers`` (N, 3, 3), and the ``greys`` (N, 3) that an image's mean colour adds."""

    multipliers: Tensor
    greys: Tensor


def colour_maps(changes: ColourChanges) -> ColourMaps:
    """Return what the changes do to an image, whatever is on it.

    Contrast c moves colours towards the mean grey g of the brightened image: c x + (1 - c) g.
    """
    share = (1 - changes.contrast) * changes.brightness
    return ColourMaps(colour_matrices(changes), share.unsqueeze(1) * torch.tensor(_TO_YIQ[0]))


def change_colours(images: Tensor, maps: ColourMaps) -> Tensor:
    """Return changed float32 images (N, 3, S, S) in [0, 255], clipped to it once, at the end; all on one device."""
    pixels = images.flatten(2)
    bias = (pixels.mean(2) * maps.greys).sum(1).view(-1, 1, 1)  # a grey: saturation and hue leave it as it is
    return torch.baddbmm(bias, maps.multipliers, pixels).clamp_(0, 255).view_as(images)
