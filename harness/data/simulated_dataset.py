"""A data set that is drawn, not read."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from harness.data.dataset import Dataset, Sample, Split

_DRAWN: tuple[Split, ...] = ("test", "train")
"""By name, as the ids are."""
_AT_ONCE = 64


class SimulatedDataset(Dataset):
    """A seeded generator of images whose class acts only through known latent variables.

    Splits are "train", "test" and "pretraining", which shares no image with the other two.
    """

    simulated = True
    thumbnails = True
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

    def samples(self, folder: Path) -> Sequence[Sample]:  # noqa: ARG002
        """Return the labels of both splits, sorted by id, which is split and index."""
        return [
            Sample(id=f"{split}-{index:05d}", label=int(label), split=split)
            for split in _DRAWN
            for index, label in enumerate(self.labels(split))
        ]

    def images(self, samples: Sequence[Sample], size: int) -> Iterator[npt.NDArray[np.uint8]]:
        """Yield ``samples`` drawn; see `Dataset.images`."""
        for start in range(0, len(samples), _AT_ONCE):
            yield from self._drawn(samples[start : start + _AT_ONCE], size)

    def _drawn(self, samples: Sequence[Sample], size: int) -> Iterator[npt.NDArray[np.uint8]]:
        """Yield a few images, those of one split at once."""
        places = [sample.id.rpartition("-") for sample in samples]
        found: dict[str, npt.NDArray[np.uint8]] = {}
        for split in {split for split, _, _ in places}:
            own = [int(index) for other, _, index in places if other == split]
            found |= {
                f"{split}-{index}": image for index, image in zip(own, self.render(split, own, size), strict=True)
            }
        yield from (found[f"{split}-{int(index)}"] for split, _, index in places)
