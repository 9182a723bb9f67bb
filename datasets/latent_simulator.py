"""What the simulated data sets share: the class acts only through latents, so the best possible AUC is known."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch

from harness.data import SimulatedDataset

SPLIT_NUMBERS = {"train": 0, "test": 1, "pretraining": 2}  # part of every key, so no two splits share an image
LABELS_INDEX = 2**40 - 1  # the key of a split's permutation of labels; images have the indices below
CHUNK = 16  # images rendered at once: larger temporaries cost more in page faults than they save
MINIMUM_SIZE = 16
FEWEST, MOST = 100, 100_000  # images for pretraining: a fifth is held out with both classes; all are in memory at once


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch to one thread: on maps this small a second one costs ten times what it gives, by waiting busily."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def best_auc(class_shifts: Sequence[float]) -> float:
    """Return the AUC of the likelihood ratio of N(shifts, 1) against N(0, 1): Phi(sqrt(sum of squares) / sqrt 2).

    The image is drawn from the latents and from noise that the class does not reach, so it cannot tell more than they.
    """
    return NormalDist().cdf(sqrt(sum(shift**2 for shift in class_shifts) / 2))


@dataclass(frozen=True, kw_only=True)
class LatentSimulator(SimulatedDataset):
    """Images drawn from latents that are N(0, 1) for the negatives and shifted for the positives.

    Another ``seed`` is another data set of the same kind; ``pretraining`` is the size of that balanced split.
    """

    class_shifts: ClassVar[tuple[float, ...]]  # of each latent, in standard deviations, in the order of ``latents``
    counts: ClassVar[Mapping[str, tuple[int, int]]]  # (negatives, positives) of train and test
    simulator: ClassVar[int]  # 1..255, part of every key: another simulator of the same seed draws other numbers

    seed: int = 0
    pretraining: int = 1600

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**56:
            raise ValueError(f"{self.name}: seed must be in 0..2**56 - 1, not {self.seed}")
        if not FEWEST <= self.pretraining <= MOST:
            raise ValueError(f"{self.name}: pretraining must be in {FEWEST}..{MOST}, not {self.pretraining}")

    @abstractmethod
    def paint(self, split: str, indices: Sequence[int], size: int) -> npt.NDArray[np.uint8]:
        """Return a few images, at least one, shape (len(indices), 3, size, size), RGB in 0..255."""

    def labels(self, split: str) -> npt.NDArray[np.uint8]:
        """Return the labels of ``split``, shape (N,), 1 = positive, in an order that the seed permutes."""
        ordered = np.repeat(np.array([0, 1], dtype=np.uint8), self._counts(split))
        return self._stream(split, LABELS_INDEX).permutation(ordered)

    def latent_values(self, split: str) -> npt.NDArray[np.float32]:
        """Return the latents of ``split``, shape (N, len(latents)): N(0, 1), shifted for the positives."""
        return self.latents_of(split, range(len(self.labels(split))))

    def render(self, split: str, indices: Sequence[int], size: int) -> npt.NDArray[np.uint8]:
        """Return the images ``indices`` of ``split``, shape (len(indices), 3, size, size), RGB in 0..255."""
        total = sum(self._counts(split))
        if outside := [index for index in indices if not 0 <= index < total]:
            raise IndexError(f"{self.name}: {split} has images 0..{total - 1}, not {outside[0]}")
        if size < MINIMUM_SIZE:
            raise ValueError(f"{self.name}: images are at least {MINIMUM_SIZE} pixels wide, not {size}")
        images = np.empty((len(indices), 3, size, size), dtype=np.uint8)
        with one_thread():
            for start in range(0, len(indices), CHUNK):
                chunk = slice(start, start + CHUNK)
                images[chunk] = self.paint(split, indices[chunk], size)
        return images

    def latents_of(self, split: str, indices: Sequence[int]) -> npt.NDArray[np.float32]:
        """Return the latents of some images: the first draws of their streams, shifted by their labels."""
        noise = np.array([self._stream(split, index).standard_normal(len(self.latents)) for index in indices])
        shifted = noise + self.labels(split)[list(indices), None] * np.array(self.class_shifts)
        return np.asarray(shifted, dtype=np.float32)

    def streams(self, split: str, indices: Sequence[int]) -> list[np.random.Generator]:
        """Return the stream of each image, the latents already drawn from it."""
        streams = [self._stream(split, index) for index in indices]
        for stream in streams:
            stream.standard_normal(len(self.latents))
        return streams

    def _counts(self, split: str) -> tuple[int, int]:
        if split == "pretraining":
            return self.pretraining - self.pretraining // 2, self.pretraining // 2
        if split not in self.counts:
            raise ValueError(f"{self.name} has the splits {', '.join(SPLIT_NUMBERS)}, not {split!r}")
        return self.counts[split]

    def _stream(self, split: str, index: int) -> np.random.Generator:
        """Return the stream of one image: known by data seed, split and index, whatever else is drawn."""
        key = (self.seed << 8 | self.simulator, SPLIT_NUMBERS[split] << 40 | int(index))
        return np.random.Generator(np.random.Philox(key=np.array(key, dtype=np.uint64)))
