"""Simulated dermoscopic lesions: the class acts only through four latents, so the best possible AUC is known.

Counts and imbalance follow ISIC-2016 part 3; the images do not: they have no pigment network, no globules, no
ruler marks and no gel bubbles. The AUC that a network reaches here says nothing about real lesions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch

from harness.datasets.image_draws import noise_grids, normals, uniforms
from harness.datasets.latent_simulator import LatentSimulator, best_auc
from harness.datasets.lesion_renderer import (
    HAIR_UNIFORMS,
    HAIRS,
    HARMONICS,
    NOISE_LEVELS,
    NOISE_WEIGHTS,
    LesionDraws,
    render_lesions,
)

CLASS_SHIFTS = (1.30, 1.20, 1.50, 1.00)
"""Malignant minus benign mean of asymmetry, border, colour and diameter, in standard deviations."""


@dataclass(frozen=True, kw_only=True)
class IsicSim(LatentSimulator):
    """The simulated stand-in for ISIC-2016, and the first source of simulated pretraining."""

    name: ClassVar[str] = "isic-sim"
    version: ClassVar[str] = "1"
    classes: ClassVar[tuple[str, str]] = ("benign", "malignant")
    licence: ClassVar[str] = "Apache-2.0, as the program that draws the images"
    citation: ClassVar[str] = "prune-harness, isic-sim 1: simulated dermoscopic lesions."
    latents: ClassVar[tuple[str, ...]] = LesionDraws.LATENTS
    oracle_auc: ClassVar[float] = best_auc(CLASS_SHIFTS)
    class_shifts: ClassVar[tuple[float, ...]] = CLASS_SHIFTS
    counts: ClassVar[Mapping[str, tuple[int, int]]] = {"train": (727, 173), "test": (304, 75)}  # as in ISIC-2016 part 3
    simulator: ClassVar[int] = 1

    def paint(self, split: str, indices: Sequence[int], size: int) -> npt.NDArray[np.uint8]:
        """Return a few images; see `LatentSimulator.paint`."""
        return render_lesions(self.draws(split, indices, size), size)

    def draws(self, split: str, indices: Sequence[int], size: int) -> LesionDraws:
        """Return all that is random about some images, at least one.

        Only ``latents`` depends on the class and only ``grain`` on the size.
        """
        streams = self.streams(split, indices)
        return LesionDraws(  # in this order: a stream gives its numbers one after the other
            latents=torch.from_numpy(self.latents_of(split, indices)),
            uniforms=uniforms(streams, len(LesionDraws.UNIFORMS)),
            normals=normals(streams, len(LesionDraws.NORMALS)),
            amplitudes=normals(streams, HARMONICS),
            phases=uniforms(streams, HARMONICS),
            hairs=uniforms(streams, HAIRS, len(HAIR_UNIFORMS)),
            noise=noise_grids(streams, NOISE_LEVELS, NOISE_WEIGHTS),
            grain=normals(streams, 3, size, size),
        )
