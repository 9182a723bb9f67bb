"""Simulated dermoscopic lesions: the class acts only through four latents, so the best possible AUC is known.

Counts and imbalance follow ISIC-2016 part 3; the images do not: they have no pigment network, no globules, no
ruler marks and no gel bubbles. The AUC that a network reaches here says nothing about real lesions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch

from harness.data import SimulatedDataset
from harness.datasets.lesion_renderer import (
    HAIR_UNIFORMS,
    HAIRS,
    HARMONICS,
    LATENTS,
    NOISE_LEVELS,
    NOISE_WEIGHTS,
    NORMALS,
    UNIFORMS,
    LesionDraws,
    render_lesions,
)

CLASS_SHIFTS = (1.30, 1.20, 1.50, 1.00)
"""Malignant minus benign mean of each latent, in standard deviations, in the order of LATENTS."""

COUNTS = {"train": (727, 173), "test": (304, 75)}  # benign, malignant, as in ISIC-2016 part 3
SPLIT_NUMBERS = {
    "train": 0,
    "test": 1,
    "pretraining": 2,
}  # part of every key, so no two splits share an image
SIMULATOR = 1  # this data set's part of the key: another simulator of the same seed draws other numbers
LABELS_INDEX = 2**40 - 1  # the key of a split's permutation of labels; images have the indices below
CHUNK = 16  # images rendered at once: larger temporaries cost more in page faults than they save
MINIMUM_SIZE = 16


@dataclass(frozen=True, kw_only=True)
class IsicSim(SimulatedDataset):
    """The simulated stand-in for ISIC-2016, and the source of simulated pretraining.

    Another ``seed`` is another data set of the same kind; ``pretraining`` is the size of that balanced split.
    """

    name: ClassVar[str] = "isic-sim"
    version: ClassVar[str] = "1"
    classes: ClassVar[tuple[str, str]] = ("benign", "malignant")
    licence: ClassVar[str] = "Apache-2.0, as the program that draws the images"
    citation: ClassVar[str] = "prune-harness, isic-sim 1: simulated dermoscopic lesions."
    latents: ClassVar[tuple[str, ...]] = LATENTS
    oracle_auc: ClassVar[float] = NormalDist().cdf(sqrt(sum(shift**2 for shift in CLASS_SHIFTS)) / sqrt(2))

    seed: int = 0
    pretraining: int = 1600

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**56:
            raise ValueError(f"isic-sim: seed must be in 0..2**56 - 1, not {self.seed}")
        if not 2 <= self.pretraining < LABELS_INDEX:
            raise ValueError(f"isic-sim: pretraining must be at least 2, not {self.pretraining}")

    def labels(self, split: str) -> npt.NDArray[np.uint8]:
        """Return the labels of ``split``, shape (N,), 1 = malignant, in an order that the seed permutes."""
        negatives, positives = self._counts(split)
        ordered = np.repeat(np.array([0, 1], dtype=np.uint8), [negatives, positives])
        return self._generator(split, LABELS_INDEX).permutation(ordered)

    def latent_values(self, split: str) -> npt.NDArray[np.float32]:
        """Return asymmetry, border, colour and diameter, shape (N, 4): N(0, 1), shifted for the malignant."""
        return self._latents(split, range(len(self.labels(split))))

    def render(self, split: str, indices: Sequence[int], size: int) -> npt.NDArray[np.uint8]:
        """Return the images ``indices`` of ``split``, shape (len(indices), 3, size, size), RGB in 0..255."""
        total = sum(self._counts(split))
        if outside := [index for index in indices if not 0 <= index < total]:
            raise IndexError(f"isic-sim: {split} has images 0..{total - 1}, not {outside[0]}")
        if size < MINIMUM_SIZE:
            raise ValueError(f"isic-sim: images are at least {MINIMUM_SIZE} pixels wide, not {size}")
        images = np.empty((len(indices), 3, size, size), dtype=np.uint8)
        for start in range(0, len(indices), CHUNK):
            chunk = slice(start, start + CHUNK)
            images[chunk] = render_lesions(self.draws(split, indices[chunk], size), size)
        return images

    def draws(self, split: str, indices: Sequence[int], size: int) -> LesionDraws:
        """Return all that is random about some images, at least one.

        Only ``latents`` depends on the class and only ``grain`` on the size.
        """
        generators = [self._generator(split, index) for index in indices]
        for generator in generators:
            generator.standard_normal(len(LATENTS))  # the latents come first in every image's stream
        fields = [sum(weights[level] != 0 for weights in NOISE_WEIGHTS.values()) for level in range(len(NOISE_LEVELS))]
        return LesionDraws(
            latents=torch.from_numpy(self._latents(split, indices)),
            uniforms=_uniform(generators, len(UNIFORMS)),
            normals=_normal(generators, len(NORMALS)),
            amplitudes=_normal(generators, HARMONICS),
            phases=_uniform(generators, HARMONICS),
            hairs=_uniform(generators, HAIRS, len(HAIR_UNIFORMS)),
            noise=tuple(
                _normal(generators, count, level, level) for count, level in zip(fields, NOISE_LEVELS, strict=True)
            ),
            grain=_normal(generators, 3, size, size),
        )

    def _counts(self, split: str) -> tuple[int, int]:
        if split == "pretraining":
            return self.pretraining - self.pretraining // 2, self.pretraining // 2
        if split not in COUNTS:
            raise ValueError(f"isic-sim has the splits {', '.join(SPLIT_NUMBERS)}, not {split!r}")
        return COUNTS[split]

    def _latents(self, split: str, indices: Sequence[int]) -> npt.NDArray[np.float32]:
        labels = self.labels(split)[list(indices)]
        noise = np.array([self._generator(split, index).standard_normal(len(LATENTS)) for index in indices])
        shifted = noise + labels[:, None] * np.array(CLASS_SHIFTS)
        return np.asarray(shifted, dtype=np.float32)

    def _generator(self, split: str, index: int) -> np.random.Generator:
        """Return the stream of one image: known by data seed, split and index, whatever else is drawn."""
        key = (self.seed << 8 | SIMULATOR, SPLIT_NUMBERS[split] << 40 | int(index))
        return np.random.Generator(np.random.Philox(key=np.array(key, dtype=np.uint64)))


def _uniform(generators: Sequence[np.random.Generator], *shape: int) -> torch.Tensor:
    """Draw from [0, 1), shape (N, *shape), one stream an image."""
    return torch.from_numpy(np.stack([generator.random(shape, dtype=np.float32) for generator in generators]))


def _normal(generators: Sequence[np.random.Generator], *shape: int) -> torch.Tensor:
    """Draw standard normals, shape (N, *shape), one stream an image."""
    draws = [generator.standard_normal(shape, dtype=np.float32) for generator in generators]
    return torch.from_numpy(np.stack(draws))
