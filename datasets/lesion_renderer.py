"""A pure renderer of dermoscopic lesions: four latents and class-blind draws in, pixels out.

Lengths are in image half-widths (the image spans -1..1), colours are RGB in 0..1. See `harness.datasets.painting` for
what may not be used here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import pi
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from harness.datasets.image_draws import ImageDraws
from harness.datasets.painting import REFERENCE_SIZE, fractal_noise, gaussian_blur, grid_axis, shifted_sum, splat

HARMONICS = 11  # Fourier terms of the outline
HAIRS = 25  # at most, in one image
HAIR_UNIFORMS = ("x", "y", "angle", "length", "bend")

NOISE_LEVELS = (4, 8, 16, 32, 64)  # grid sizes of the fractal noise, coarse to fine
NOISE_WEIGHTS: Mapping[str, tuple[float, ...]] = {
    "warp-x": (0, 1, 0.6, 0, 0),
    "warp-y": (0, 1, 0.6, 0, 0),
    "texture": (0, 0, 0.3, 0.7, 1),
    "blotches": (0.7, 1, 0.5, 0, 0),
    "pigment": (0.6, 1, 1, 0.8, 0.6),
    "black": (1, 1, 0.5, 0.25, 0),
    "blue-grey": (1, 1, 0.4, 0.2, 0),
    "red": (1, 1, 0.5, 0.2, 0),
    "regression": (0.8, 1, 0.6, 0.3, 0),
}

# Optical density of each pigment in red, green and blue.
BROWN = (0.55, 1.0, 1.25)
BLACK = (1.7, 1.75, 1.7)
BLUE_GREY = (1.35, 0.95, 0.65)
RED = (0.12, 1.05, 0.9)


@dataclass(frozen=True, kw_only=True)
class LesionDraws(ImageDraws):
    """Everything random about N lesions."""

    LATENTS: ClassVar[tuple[str, ...]] = ("asymmetry", "border", "colour", "diameter")
    UNIFORMS: ClassVar[tuple[str, ...]] = (
        *("orientation", "softness", "tone", "blotches", "pigment", "mottling", "uneven", "blue-grey", "regression"),
        *("light-angle", "light", "fall-off", "vignette", "vignette-radius"),
        *("hairy", "hairs", "hair-opacity", "hair-lightness", "gain", "blur", "grain"),
    )
    NORMALS: ClassVar[tuple[str, ...]] = (
        *("centre-x", "centre-y", "ellipse", "skin-red", "skin-green", "skin-blue"),
        *("white-red", "white-green", "white-blue", "gamma"),
    )

    amplitudes: Tensor  # (N, HARMONICS), standard normal
    phases: Tensor  # (N, HARMONICS), in [0, 1) turns
    hairs: Tensor  # (N, HAIRS, len(HAIR_UNIFORMS)), in [0, 1)


@dataclass(frozen=True, kw_only=True)
class Outline:
    """Where the lesion lies; every map has shape (N, size, size)."""

    mask: Tensor  # 0 outside .. 1 inside
    depth: Tensor  # 1 in the middle, 0 at the border and outside
    x: Tensor  # from the lesion's centre, along its long axis, 1 at its mean radius
    y: Tensor


def render_lesions(draws: LesionDraws, size: int) -> npt.NDArray[np.uint8]:
    """Return the images, shape (N, 3, size, size), RGB in 0..255."""
    noise = fractal_noise(draws.noise, NOISE_WEIGHTS, size)
    outline = trace_outline(draws, noise, size)
    absorbed = pigments(draws, noise, outline)
    image = skin(draws, noise) * torch.exp(-outline.mask[:, None] * absorbed)  # Beer-Lambert
    image = photograph(draws, illuminate(draws, add_hair(draws, image)))
    return (image * 255).round().to(torch.uint8).numpy()


def trace_outline(draws: LesionDraws, noise: Mapping[str, Tensor], size: int) -> Outline:
    """Draw a closed Fourier curve on warped coordinates: asymmetry, border and diameter act here."""
    ragged = visible_border(draws)
    radius = (0.40 * torch.exp(0.22 * (draws.latent("diameter") - 0.3))).clamp(0.16, 0.80)
    warp = 0.45 * (0.015 + 0.11 * ragged)
    x = grid_axis(size)[None, None, :] - 0.14 * draws.normal("centre-x") + warp * noise["warp-x"]
    y = grid_axis(size)[None, :, None] - 0.14 * draws.normal("centre-y") + warp * noise["warp-y"]
    angle, stretch = draws.uniform("orientation", 0, pi), torch.exp(0.08 * draws.normal("ellipse"))
    x, y = (
        (x * angle.cos() + y * angle.sin()) / stretch,
        (y * angle.cos() - x * angle.sin()) * stretch,
    )
    distance = (x.square() + y.square()).sqrt().clamp_min(1e-4)
    border = radius * outline_factor(draws, x / distance, y / distance)
    softness = draws.uniform("softness", 0.02, 0.09) * (1 - 0.35 * ragged)
    depth = (1 - (distance / border).square()).clamp_min(0).sqrt()
    return Outline(mask=torch.sigmoid((border - distance) / softness), depth=depth, x=x / radius, y=y / radius)


def outline_factor(draws: LesionDraws, cosine: Tensor, sine: Tensor) -> Tensor:
    """Return border over mean radius in each direction, shape (N, size, size).

    It is 1 + sum over k of s_k g_k cos(k angle + phase_k): the real part of a polynomial in exp(i angle), by
    Horner's rule. ``cosine`` and ``sine`` are of the direction from the centre, shape (N, size, size).
    """
    uneven, ragged = visible_asymmetry(draws), visible_border(draws)
    real, imaginary = torch.zeros_like(cosine), torch.zeros_like(cosine)
    for k in range(HARMONICS, 0, -1):
        strength = (0.006 + 0.055 * ragged) * (4 / k) ** 0.5
        if k in (1, 3):
            strength = 0.02 + 0.20 * uneven
        elif k == 2:
            strength = torch.full_like(ragged, 0.05)
        limit = 1.2 if k == 1 else 1.8  # a large first harmonic stretches a large lesion out of the picture
        amplitude = strength * draws.amplitudes[:, k - 1, None, None].clamp(-limit, limit)
        phase = 2 * pi * draws.phases[:, k - 1, None, None]
        real, imaginary = real + amplitude * phase.cos(), imaginary + amplitude * phase.sin()
        real, imaginary = real * cosine - imaginary * sine, real * sine + imaginary * cosine
    return (1 + real).clamp(0.25, 2.2)


def visible_asymmetry(draws: LesionDraws) -> Tensor:
    """Return the strength of the asymmetry, in 0..1, shape (N, 1, 1); benign about 0.2, malignant 0.45."""
    return torch.sigmoid(1.1 * draws.latent("asymmetry") - 1.3)


def visible_border(draws: LesionDraws) -> Tensor:
    """Return the raggedness of the border, in 0..1, shape (N, 1, 1)."""
    return torch.sigmoid(1.1 * draws.latent("border") - 1.3)


def visible_colours(draws: LesionDraws) -> Tensor:
    """Return the strength of the further colours, in 0..1, shape (N, 1, 1)."""
    return torch.sigmoid(1.2 * draws.latent("colour") - 1.6)


def skin(draws: LesionDraws, noise: Mapping[str, Tensor]) -> Tensor:
    """Return bare skin, shape (N, 3, size, size): a tone, a fine texture and reddish blotches."""
    tone = draws.uniform("tone")
    texture = 1 + 0.018 * noise["texture"]
    blotches = 1 - 0.06 * draws.uniform("blotches") * torch.sigmoid(2 * noise["blotches"])
    red = (0.90 - 0.16 * tone + 0.025 * draws.normal("skin-red")) * texture
    green = (0.70 - 0.19 * tone + 0.025 * draws.normal("skin-green")) * texture * blotches
    blue = (0.60 - 0.20 * tone + 0.025 * draws.normal("skin-blue")) * texture * blotches
    return torch.stack([red, green, blue], 1)


def pigments(draws: LesionDraws, noise: Mapping[str, Tensor], outline: Outline) -> Tensor:
    """Return the optical density of a whole lesion, shape (N, 3, size, size): the colour latent acts here."""
    side = 2 * pi * draws.uniform("uneven")
    ramp = (outline.x * side.cos() + outline.y * side.sin()).clamp(-1.5, 1.5)
    mottling = 0.22 * draws.uniform("mottling", 0.2, 0.9) * noise["pigment"]
    brown = (1 + mottling + 0.55 * visible_asymmetry(draws) * ramp).clamp_min(0.1)
    brown = draws.uniform("pigment", 0.45, 1.15) * brown * (0.75 + 0.25 * outline.depth)
    colours = visible_colours(draws)
    threshold, strength = 1.45 - 1.35 * colours, 0.15 + 0.85 * colours
    layers = (
        (BROWN, brown),
        (BLACK, 0.6 * strength * patches(noise["black"] - threshold)),
        (
            BLUE_GREY,
            0.55 * strength * draws.chance("blue-grey", 0.75) * patches(noise["blue-grey"] - threshold - 0.1),
        ),
        (RED, 0.35 * strength * patches(noise["red"] - threshold - 0.1)),
    )
    white = draws.chance("regression", 0.60) * patches(noise["regression"] - threshold - 0.25)
    total = torch.stack([sum_of(layers, channel) for channel in range(3)], 1)
    return total * (1 - 0.7 * strength * white)[:, None]


def sum_of(layers: tuple[tuple[tuple[float, float, float], Tensor], ...], channel: int) -> Tensor:
    """Return the optical density of pigments laid over each other in one channel, shape (N, size, size)."""
    total = torch.zeros_like(layers[0][1])
    for pigment, amount in layers:
        total = total + pigment[channel] * amount
    return total


def patches(excess: Tensor) -> Tensor:
    """Return soft patches where a field exceeds its threshold, in 0..1."""
    return torch.sigmoid(excess / 0.28)


def add_hair(draws: LesionDraws, image: Tensor) -> Tensor:
    """Lay 3 to 25 dark hairs over 30 % of the images."""
    hairy = draws.chance("hairy", 0.30).flatten().nonzero()[:, 0]
    if not len(hairy):
        return image
    size = image.shape[-1]
    count = draws.uniform("hairs", 3, HAIRS + 1)[hairy, :, 0].floor()
    grown = (torch.arange(HAIRS, device="cpu")[None] < count).float()
    x, y, length = hair_points(draws.hairs[hairy], points=size * 5 // 2)
    ink = splat(x, y, (grown * length / x.shape[-1] * size / 2)[..., None].expand_as(x), size)
    ink = gaussian_blur(ink, max(0.40, 0.55 * size / REFERENCE_SIZE))  # thinner strokes would look dotted
    thickness = 1.8 * size / REFERENCE_SIZE
    opacity = draws.uniform("hair-opacity", 0.45, 0.85)[hairy] * (1 - torch.exp(-thickness * ink))
    lightness = draws.uniform("hair-lightness", 0.05, 0.35)[hairy]
    colour = torch.stack([lightness, 0.78 * lightness, 0.62 * lightness], 1)
    opacity = opacity[:, None]
    image = image.clone()
    image[hairy] = image[hairy] * (1 - opacity) + colour * opacity
    return image


def hair_points(hairs: Tensor, points: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return x and y along quadratic Bezier curves, shape (N, HAIRS, points), and lengths (N, HAIRS)."""
    x, y, angle, length, bend = hairs.unbind(-1)
    x, y, angle = 2.4 * x - 1.2, 2.4 * y - 1.2, 2 * pi * angle
    length, bend = 2 * (0.35 + 0.90 * length), 0.6 * bend - 0.3
    t = (torch.arange(points, device="cpu", dtype=torch.float32) + 0.5) / points
    along = length[..., None] * (t - 0.5)
    across = (2 * bend * length)[..., None] * (t * (1 - t))
    cosine, sine = angle.cos()[..., None], angle.sin()[..., None]
    return (
        x[..., None] + along * cosine - across * sine,
        y[..., None] + along * sine + across * cosine,
        length,
    )


def illuminate(draws: LesionDraws, image: Tensor) -> Tensor:
    """Apply uneven light, and the dark round frame that 18 % of the images have."""
    axis = grid_axis(image.shape[-1])
    x, y, angle = axis[None, None, :], axis[None, :, None], draws.uniform("light-angle", 0, 2 * pi)
    squared = x.square() + y.square()
    slope = 1 - draws.uniform("light", 0, 0.18) * (0.5 + 0.35 * (x * angle.cos() + y * angle.sin()))
    light = slope * (1 - draws.uniform("fall-off", 0, 0.17) * 0.5 * squared)
    outside = torch.sigmoid((squared.sqrt() - draws.uniform("vignette-radius", 1.02, 1.28)) / 0.015)
    light = light * (1 - 0.97 * draws.chance("vignette", 0.18) * outside)
    return image * light[:, None]


def photograph(draws: LesionDraws, image: Tensor) -> Tensor:
    """Apply white balance, exposure, contrast, focus and grain; values end in 0..1."""
    balance = [1 + 0.05 * draws.normal(f"white-{channel}") for channel in ("red", "green", "blue")]
    image = image * torch.stack(balance, 1) * draws.uniform("gain", 0.82, 1.12)[:, None]
    image = image.clamp(1e-4, 1).pow(torch.exp(0.10 * draws.normal("gamma"))[:, None])
    mix = draws.uniform("blur", 0, 0.9)[:, None]
    image = image * (1 - mix) + shifted_sum(image, [0.25, 0.5, 0.25]) * mix
    return (image + draws.uniform("grain", 0.004, 0.018)[:, None] * draws.grain).clamp(0, 1)
