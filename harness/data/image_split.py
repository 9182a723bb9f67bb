"""A split as a value: images, labels, ids, and the fingerprint that keys know it by."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from harness.storage.canonical import digest

_RESIDENT_SHARE = 0.25
"""Of a GPU's free memory: a split that needs less is copied there once, a larger one batch by batch."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Some images of a larger tensor, which may be a mapped file: read where they are asked for, never all at once.

    ``source`` is uint8 (M, 3, S, S), ``rows`` int64 (N,) the places of these images in it.
    """

    source: Tensor
    rows: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, chosen: slice | Tensor) -> Tensor:
        """Return the chosen images, uint8 (n, 3, S, S), in memory of their own."""
        rows = self.rows[chosen if isinstance(chosen, slice) else chosen.cpu()]
        return self.source[rows]

    @property
    def device(self) -> torch.device:
        """Where the images are read from."""
        return self.source.device

    @property
    def shape(self) -> torch.Size:
        """(N, 3, S, S)."""
        return torch.Size((len(self.rows), *self.source.shape[1:]))

    def to(self, device: torch.device) -> "Images":
        """Return the images where a training reads them: on a GPU where they take a small part of its memory."""
        if device.type != "cuda":
            return self
        free, _ = torch.cuda.mem_get_info(device)
        size = self.shape.numel()
        return self[slice(None)].to(device) if size < _RESIDENT_SHARE * free else self


Images = Tensor | Rows


@dataclass(frozen=True, eq=False)
class ImageSplit:
    """Decoded images of one split: uint8 (N, 3, S, S), labels uint8 (N,), ids, and the hash of all three."""

    images: Images
    labels: Tensor
    ids: tuple[str, ...]
    fingerprint: str

    @classmethod
    def of(cls, images: Tensor, labels: Tensor, ids: Sequence[str]) -> "ImageSplit":
        """Return the split with its fingerprint."""
        digests = np.stack([image_digest(image.numpy()) for image in images])
        return cls(images, labels, tuple(ids), fingerprint_of(digests, labels, ids))

    @property
    def positives(self) -> int:
        """Number of positive images."""
        return int(self.labels.sum())

    @property
    def negatives(self) -> int:
        """Number of negative images."""
        return len(self.labels) - self.positives


def image_digest(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the sha256 of one image's pixels, shape (32,)."""
    return np.frombuffer(hashlib.sha256(np.ascontiguousarray(image).data).digest(), dtype=np.uint8)


def fingerprint_of(digests: npt.NDArray[np.uint8], labels: Tensor, ids: Sequence[str]) -> str:
    """Return the hash of a split, from its images' digests (N, 32), labels (N,) and ids."""
    return digest([np.asarray(digests, dtype=np.uint8), labels, json.dumps(list(ids))])
