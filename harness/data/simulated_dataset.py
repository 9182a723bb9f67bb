"""A data set that is drawn, not read."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from harness.data.dataset import Dataset, Sample, Split
from harness.progress import Progress

_AT_ONCE = 64


class SimulatedDataset(Dataset):
    """A seeded generator of images whose class acts only through known latent variables.

    Splits are "train", "test" and "pretraining", which shares no image with the other two.
    """

    simulated = True
    latents: ClassVar[tuple[str, ...]]  # at least one
    oracle_auc: ClassVar[float]  # from the latents' distributions

    @abstractmethod
    def labels(self, split: str) -> npt.NDArray[np.uint8]:
        """Return the labels of ``split``, shape (N,), 1 = positive."""

    @abstractmethod
    def latent_values(self, split: str) -> npt.NDArray[np.float32]:
        """Return the latent variables of ``split``, shape (N, number of latents)."""

    @abstractmethod
    def render(self, split: str, indices: Sequence[int], size: int) -> npt.NDArray[np.uint8]:
        """Return the images ``indices`` of ``split``, shape (len(indices), 3, size, size), RGB in 0..255.

        An image depends on (split, index, size) alone, never on which others are asked for.
        """

    def samples(self, folder: Path, split: Split) -> Sequence[Sample]:  # noqa: ARG002
        """Return the labels of ``split``; an id is split and index."""
        return [Sample(id=f"{split}-{index:05d}", label=int(label)) for index, label in enumerate(self.labels(split))]

    def images(self, samples: Sequence[Sample], size: int, progress: Progress) -> Tensor:
        """Return ``samples`` drawn; see `Dataset.images`."""
        parts = []
        for start in range(0, len(samples), _AT_ONCE):
            places = [sample.id.rpartition("-") for sample in samples[start : start + _AT_ONCE]]
            parts.append(self.render(places[0][0], [int(index) for _, _, index in places], size))
            progress(start + len(places), len(samples))
        return torch.from_numpy(np.concatenate(parts))
