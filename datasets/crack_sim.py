"""Simulated concrete surfaces: the class acts only through four latents of a crack, so the best possible AUC is known.

Both classes have a crack. That of a sound surface is mostly a short hairline or too faint to be seen, that of a cracked
one mostly wide, dark, long and branched; between them lie the cases that nobody could tell for certain. That is what
makes the best possible AUC a figure: with cracks in one class alone, it would hang on what a camera can still resolve.
The surfaces follow what the CRACK images show, but none of their numbers; an AUC reached here says nothing about real
concrete.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch

from harness.datasets.crack_renderer import (
    KNOTS,
    NOISE_LEVELS,
    NOISE_WEIGHTS,
    PORES,
    STEPS,
    WALKS,
    CrackDraws,
    render_cracks,
)
from harness.datasets.image_draws import noise_grids, normals, uniforms
from harness.datasets.latent_simulator import LatentSimulator, best_auc

CLASS_SHIFTS = (1.50, 1.80, 1.70, 1.00)
"""Cracked minus sound mean of width, depth, length and branching, in standard deviations."""


@dataclass(frozen=True, kw_only=True)
class CrackSim(LatentSimulator):
    """The simulated stand-in for CRACK at a tenth of the paper's size: 2,000 sound and 400 cracked, 15 % for test."""

    name: ClassVar[str] = "crack-sim"
    version: ClassVar[str] = "1"
    classes: ClassVar[tuple[str, str]] = ("sound", "cracked")
    licence: ClassVar[str] = "Apache-2.0, as the program that draws the images"
    citation: ClassVar[str] = "prune-harness, crack-sim 1: simulated concrete surfaces."
    latents: ClassVar[tuple[str, ...]] = CrackDraws.LATENTS
    oracle_auc: ClassVar[float] = best_auc(CLASS_SHIFTS)
    class_shifts: ClassVar[tuple[float, ...]] = CLASS_SHIFTS
    counts: ClassVar[Mapping[str, tuple[int, int]]] = {"train": (1700, 340), "test": (300, 60)}
    simulator: ClassVar[int] = 2

    def paint(self, split: str, indices: Sequence[int], size: int) -> npt.NDArray[np.uint8]:
        """Return a few images; see `LatentSimulator.paint`."""
        return render_cracks(self.draws(split, indices, size), size)

    def draws(self, split: str, indices: Sequence[int], size: int) -> CrackDraws:
        """Return all that is random about some images, at least one.

        Only ``latents`` depends on the class and only ``grain`` on the size.
        """
        streams = self.streams(split, indices)
        return CrackDraws(  # in this order: a stream gives its numbers one after the other
            latents=torch.from_numpy(self.latents_of(split, indices)),
            uniforms=uniforms(streams, len(CrackDraws.UNIFORMS)),
            normals=normals(streams, len(CrackDraws.NORMALS)),
            turns=normals(streams, WALKS, STEPS),
            swellings=normals(streams, WALKS, KNOTS),
            dots=uniforms(streams, PORES, 3),
            noise=noise_grids(streams, NOISE_LEVELS, NOISE_WEIGHTS),
            grain=normals(streams, 4, size, size),
        )
