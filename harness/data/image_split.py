"""A split as a value: images, labels, ids, and the fingerprint that keys know it by."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from harness.storage.canonical import digest


@dataclass(frozen=True, eq=False)
class ImageSplit:
    """Decoded images of one split: uint8 (N, 3, S, S), labels uint8 (N,), ids, and the hash of all three."""

    images: Tensor
    labels: Tensor
    ids: tuple[str, ...]
    fingerprint: str

    @classmethod
    def of(cls, images: Tensor, labels: Tensor, ids: Sequence[str]) -> "ImageSplit":
        """Return the split with its fingerprint."""
        return cls(images, labels, tuple(ids), digest([images, labels, list(ids)]))

    def subset(self, indices: npt.NDArray[np.int64]) -> "ImageSplit":
        """Return the images at ``indices``, as a split of its own."""
        chosen = torch.from_numpy(indices)
        return ImageSplit.of(self.images[chosen], self.labels[chosen], [self.ids[index] for index in indices])

    @property
    def positives(self) -> int:
        """Number of positive images."""
        return int(self.labels.sum())

    @property
    def negatives(self) -> int:
        """Number of negative images."""
        return len(self.labels) - self.positives
