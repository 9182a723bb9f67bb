"""A pure renderer of concrete surfaces: four latents of a crack and class-blind draws in, pixels out.

Lengths are in image half-widths (the image spans -1..1) or in pixels of an image 128 wide. See
`harness.datasets.painting` for what may not be used here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import pi, sqrt
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from harness.datasets.image_draws import ImageDraws
from harness.datasets.painting import (
    REFERENCE_SIZE,
    fractal_noise,
    gaussian_blur,
    grid_axis,
    shifted_sum,
    splat,
)

WALKS = 4  # two halves of the crack, which leave its start in opposite directions, and a branch of each
STEPS = 96  # of one walk
KNOTS = 9  # of the slow change of width along a walk
REACH = 2.2  # length of a whole half, in half-widths
PORES = 40  # at most, in one image
STROKES = (0.45, 0.9, 1.8)  # standard deviations of the strokes that others are mixed from, in pixels
THINNEST = 0.45  # pixels: a thinner stroke would look dotted; it is drawn as wide, and fainter

NOISE_LEVELS = (4, 8, 16, 32, 64)  # grid sizes of the fractal noise, coarse to fine
NOISE_WEIGHTS: Mapping[str, tuple[float, ...]] = {
    "shade": (1, 0.5, 0, 0, 0),
    "stains": (1, 1, 0.5, 0.3, 0),
    "roughness": (0, 0, 0.3, 0.7, 1),
}


@dataclass(frozen=True, kw_only=True)
class CrackDraws(ImageDraws):
    """Everything random about N surfaces. ``grain`` has four channels: one of the concrete, three of the camera."""

    LATENTS: ClassVar[tuple[str, ...]] = ("width", "depth", "length", "branching")
    UNIFORMS: ClassVar[tuple[str, ...]] = (
        *("grey", "shade", "roughness", "grain", "stain-threshold", "stain-depth", "pores"),
        *("seam", "seam-angle", "seam-place", "seam-contrast", "seam-width"),
        *("start-x", "start-y", "heading", "turning", "fork-1", "fork-2", "side-1", "side-2", "angle-1", "angle-2"),
        *("light", "light-angle", "blur"),
    )
    NORMALS: ClassVar[tuple[str, ...]] = ("warmth", "green")

    turns: Tensor  # (N, WALKS, STEPS), standard normal
    swellings: Tensor  # (N, WALKS, KNOTS), standard normal
    dots: Tensor  # (N, PORES, 3), in [0, 1): x, y and depth


class Crack(NamedTuple):
    """Points along the walks, each (N, WALKS, points): where they are, and half the width there (0: not drawn)."""

    x: Tensor
    y: Tensor
    width: Tensor  # pixels of an image 128 wide


def render_cracks(draws: CrackDraws, size: int) -> npt.NDArray[np.uint8]:
    """Return the images, shape (N, 3, size, size), RGB in 0..255."""
    noise = fractal_noise(draws.noise, NOISE_WEIGHTS, size)
    surface = concrete(draws, noise) * (1 - pits(draws, size)) * (1 + seam(draws, size))
    grey = surface * (1 - visible_depth(draws) * coverage(trace_crack(draws, size), size))
    image = photograph(draws, grey)
    return (image * 255).round().to(torch.uint8).numpy()


def visible_width(draws: CrackDraws) -> Tensor:
    """Return half the width of the crack in pixels of 128, shape (N, 1, 1); sound about 0.6, cracked 1.2."""
    return (0.6 * torch.exp(0.45 * draws.latent("width"))).clamp(0.3, 3.6)


def visible_depth(draws: CrackDraws) -> Tensor:
    """Return the share of the light that is lost in the crack, in 0..0.85, shape (N, 1, 1)."""
    return 0.85 * torch.sigmoid(1.4 * draws.latent("depth") - 1.9)


def visible_length(draws: CrackDraws) -> Tensor:
    """Return how much of each half is drawn, in 0..1, shape (N, 1, 1)."""
    return torch.sigmoid(1.2 * draws.latent("length") - 1.5)


def visible_branching(draws: CrackDraws) -> Tensor:
    """Return how much of each branch is drawn, in 0..1, shape (N, 1, 1)."""
    return torch.sigmoid(1.4 * draws.latent("branching") - 1.8)


def concrete(draws: CrackDraws, noise: Mapping[str, Tensor]) -> Tensor:
    """Return the bare surface, shape (N, size, size): a grey, slow shade, roughness, grain and dark stains."""
    size = draws.grain.shape[-1]
    sharp = max(0.4, 0.7 * size / REFERENCE_SIZE)
    sand = gaussian_blur(draws.grain[:, 0], sharp) * (2 * sharp * sqrt(pi))  # blurring leaves this share of its spread
    texture = 1 + 0.06 * draws.uniform("shade") * noise["shade"]
    texture = texture + draws.uniform("roughness", 0.01, 0.055) * noise["roughness"]
    texture = texture + draws.uniform("grain", 0.01, 0.04) * sand
    stains = torch.sigmoid((noise["stains"] - draws.uniform("stain-threshold", 0.6, 2)) / 0.25)
    surface: Tensor = draws.uniform("grey", 0.42, 0.84) * texture
    return surface * (1 - draws.uniform("stain-depth", 0, 0.22) * stains)


def pits(draws: CrackDraws, size: int) -> Tensor:
    """Return how dark the pores are, shape (N, size, size): few in most images, 40 at most."""
    x, y, depth = (2 * draws.dots - 1).unbind(-1)
    count = (PORES * draws.uniform("pores").square())[:, :, 0]
    there = (torch.arange(PORES, device="cpu")[None] < count).float()
    spread = max(THINNEST, 0.9 * size / REFERENCE_SIZE)
    ink = 0.55 * (depth + 1) / 2 * there * (2 * pi * spread**2)  # so that a dot's middle has its depth
    ink = ink * min(1.0, 0.9 * size / REFERENCE_SIZE / spread)
    return gaussian_blur(splat(x[..., None], y[..., None], ink[..., None], size), spread).clamp(0, 0.7)


def seam(draws: CrackDraws, size: int) -> Tensor:
    """Return the relative brightness of the mould's straight seam that 15 % of the images of both classes have."""
    axis, angle = grid_axis(size), draws.uniform("seam-angle", 0, pi)
    across = axis[None, None, :] * angle.cos() + axis[None, :, None] * angle.sin()
    away = (across - draws.uniform("seam-place", -0.8, 0.8)) / draws.uniform("seam-width", 0.012, 0.05)
    contrast = draws.chance("seam", 0.15) * draws.uniform("seam-contrast", -0.16, 0.14)
    return contrast * torch.exp(-0.5 * away.square())


def trace_crack(draws: CrackDraws, size: int) -> Crack:
    """Return the points of all walks, dense enough for ``size``: width, length and branching act here."""
    x, y = positions(draws)
    halves, branches = visible_length(draws), 0.4 * visible_branching(draws)
    drawn = torch.cat([halves, halves, branches, branches], 1)
    along = (torch.arange(STEPS, device="cpu", dtype=torch.float32) + 1) / STEPS
    taper = ((drawn - along) / 0.12).clamp(0, 1)
    share = torch.tensor([1, 1, 0.7, 0.7], device="cpu")[:, None]  # a branch is thinner
    width = visible_width(draws) * share * torch.exp(0.3 * lengthened(draws.swellings, STEPS)) * taper
    points = STEPS * max(1, -(-size * 2 // REFERENCE_SIZE))
    return Crack(*(lengthened(line, points) for line in (x, y, width)))


def positions(draws: CrackDraws) -> tuple[Tensor, Tensor]:
    """Return where the steps of each walk lead, each (N, WALKS, STEPS): two halves from one start, a branch of each."""
    heading, turned = draws.uniform("heading", 0, 2 * pi), wandering(draws)
    halves = torch.cat([heading, heading + pi], 1) + turned[:, :2]
    forks = (visible_length(draws) * torch.cat([draws.uniform(f"fork-{half}", 0.1, 0.7) for half in (1, 2)], 1)) * STEPS
    forks = forks.long().clamp(max=STEPS - 1)
    branches = halves.gather(2, forks) + torch.cat([aside(draws, half) for half in (1, 2)], 1) + turned[:, 2:]
    start = draws.uniform("start-x", -0.7, 0.7), draws.uniform("start-y", -0.7, 0.7)
    found = []
    for origin, component in zip(start, (torch.cos, torch.sin), strict=True):
        trunk = origin + (REACH / STEPS) * component(halves).cumsum(-1)
        twigs = trunk.gather(2, forks) + (REACH / STEPS) * component(branches).cumsum(-1)
        found.append(torch.cat([trunk, twigs], 1))
    return found[0], found[1]


def wandering(draws: CrackDraws) -> Tensor:
    """Return by how many radians each walk has turned at each step, (N, WALKS, STEPS): it forgets 6 % a step."""
    spread, last = draws.uniform("turning", 0.10, 0.32)[:, :, 0], torch.zeros_like(draws.turns[:, :, 0])
    steps = []
    for turn in draws.turns.unbind(-1):
        last = 0.94 * last + spread * turn
        steps.append(last)
    return torch.stack(steps, -1)


def aside(draws: CrackDraws, half: int) -> Tensor:
    """Return by how much a branch turns off its half, 0.5 to 1.1 radians to either side, shape (N, 1, 1)."""
    side = 2 * draws.chance(f"side-{half}", 0.5) - 1
    return side * draws.uniform(f"angle-{half}", 0.5, 1.1)


def lengthened(line: Tensor, points: int) -> Tensor:
    """Resample the last axis of (N, walks, length) to ``points``, linearly, ends kept."""
    return functional.interpolate(line, size=points, mode="linear", align_corners=True)


def coverage(crack: Crack, size: int) -> Tensor:
    """Return how much of each pixel the crack takes, in 0..1, shape (N, size, size).

    A stroke is mixed from two of three widths; beyond them it is fainter, or saturated and so wider.
    """
    spacing = REACH / crack.x.shape[-1] * size / 2
    octave = (crack.width.clamp_min(1e-6) / STROKES[0]).log2().clamp(0, len(STROKES) - 1)
    beyond = (crack.width / STROKES[0]).clamp_max(1) * (crack.width / STROKES[-1]).clamp_min(1)
    profile = torch.zeros(len(crack.x), size, size, device="cpu")
    for place, stroke in enumerate(STROKES):
        wanted = stroke * size / REFERENCE_SIZE
        spread = max(THINNEST, wanted)
        ink = beyond * (1 - (octave - place).abs()).clamp_min(0) * (wanted / spread)
        line = splat(crack.x, crack.y, ink * (spacing * spread * sqrt(2 * pi)), size)
        profile = profile + gaussian_blur(line, spread)
    return 1 - torch.exp(-1.6 * profile)


def photograph(draws: CrackDraws, grey: Tensor) -> Tensor:
    """Return the picture of a grey surface, (N, 3, size, size) in 0..1: uneven light, a tint, focus and noise."""
    axis, angle = grid_axis(grey.shape[-1]), draws.uniform("light-angle", 0, 2 * pi)
    slope = axis[None, None, :] * angle.cos() + axis[None, :, None] * angle.sin()
    lit = grey * (1 - draws.uniform("light", 0, 0.22) * (0.5 + 0.35 * slope))
    warmth = 0.02 * draws.normal("warmth")
    tint = torch.stack([1 + warmth, 1 + 0.008 * draws.normal("green"), 1 - warmth], 1)
    image = lit[:, None] * tint
    mix = draws.uniform("blur", 0, 0.8)[:, None]
    image = image * (1 - mix) + shifted_sum(image, [0.25, 0.5, 0.25]) * mix
    return (image + 0.008 * draws.grain[:, 1:]).clamp(0, 1)
