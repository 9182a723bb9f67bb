"""All images of a set at one size in one file: decoded or drawn once, mapped by every process that reads them."""

import hashlib
import json
import mmap
import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from harness.data.dataset import Dataset, Sample, options_of
from harness.data.image_split import Rows, image_digest
from harness.data.pictures import pictures
from harness.errors import DataError
from harness.images.decoding import DECODING, Conversion
from harness.images.unreadable import Unreadable
from harness.progress import Progress
from harness.storage.checkpoint import Checkpoint
from harness.storage.disk import disk_errors
from harness.storage.stage import Stage
from harness.storage.store import Store

IMAGES = "images.u8"
"""The file: uint8 (M, 3, S, S) in row-major order."""


@dataclass(frozen=True, eq=False)
class ImageSet:
    """The M images of a set that can be had, sorted by id, and those that cannot: (id, reason).

    ``images`` is mapped, uint8 (M, 3, S, S), and nobody can write to it; labels uint8 (M,), 1 = positive; ``groups``
    and ``splits`` one an image, None and empty where there is none; ``digests`` uint8 (M, 32), sha256 of the pixels.
    ``notes`` tell what a user should know of how they were decoded, ``stage`` is their key in the store.
    """

    images: Tensor
    labels: Tensor
    ids: tuple[str, ...]
    groups: tuple[str | None, ...]
    splits: npt.NDArray[np.str_]
    digests: npt.NDArray[np.uint8]
    broken: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()
    stage: str = ""

    def rows(self, chosen: npt.NDArray[np.int64]) -> Rows:
        """Return the images at these places."""
        return Rows(self.images, torch.from_numpy(chosen))


def cached_images(
    dataset: Dataset,
    samples: Sequence[Sample],
    size: int,
    conversion: Conversion,
    store: Store,
    progress: Progress,
    *,
    skip_broken: bool = False,
) -> ImageSet:
    """Return the images of ``samples``, all of a set, from the store; decoded or drawn where they are not there yet.

    Raises `DataError` with every image that cannot be read, unless ``skip_broken``: nothing stands in for it.
    """
    key = images_key(dataset, samples, size, conversion)
    stage = store.run(
        "images", key, lambda checkpoint: _fill(checkpoint, dataset, samples, size, conversion, progress, skip_broken)
    )
    found = _image_set(stage, size, store)
    if found.broken and not skip_broken:
        raise _unreadable(found.broken, samples)
    return found


def kept_images(key: str, size: int, store: Store) -> ImageSet | None:
    """Return the images of a stage that some machine has put into the store, or None where it is not there."""
    stage = store.find(key)
    return None if stage is None else _image_set(stage, size, store)


def _image_set(stage: Stage, size: int, store: Store) -> ImageSet:
    value = stage.value
    return ImageSet(
        images=_mapped(store.path(stage.key) / IMAGES, (len(value["ids"]), 3, size, size)),
        labels=value["labels"],
        ids=tuple(value["ids"]),
        groups=tuple(value["groups"]),
        splits=np.array(value["splits"], dtype=np.str_),
        digests=value["digests"].numpy(),
        broken=tuple((identity, reason) for identity, reason in value["broken"]),
        notes=tuple(value["notes"]),
        stage=stage.key,
    )


def images_key(dataset: Dataset, samples: Sequence[Sample], size: int, conversion: Conversion) -> dict[str, Any]:
    """Return what the stage of a set's images is known by; no image is read."""
    with disk_errors(Path()):  # a file that was lost since it was listed
        files = _files(samples, conversion)
    return {
        "dataset": dataset.name,
        "version": dataset.version,
        "size": size,
        "options": options_of(dataset),
        **files,
        "samples": _text_digest([[sample.id, sample.label, sample.group, sample.split] for sample in samples]),
    }


def _files(samples: Sequence[Sample], conversion: Conversion) -> dict[str, Any]:
    """Return the rule of decoding, and each file as it is now, known without reading it by its size and time."""
    paths = [sample.path for sample in samples if sample.path is not None]
    sources = dict.fromkeys(sample.source for sample in samples if sample.source is not None)
    found: dict[str, Any] = {"decoding": [DECODING, conversion], "files": _states(paths)} if paths else {}
    return {**found, "sources": _states(sources)} if sources else found


def _states(paths: Iterable[Path]) -> str:
    states = [(path, os.stat(path)) for path in map(str, paths)]
    return _text_digest([[path, status.st_size, status.st_mtime_ns] for path, status in states])


def _text_digest(values: Sequence[Any]) -> str:
    """Return the sha256 of JSON values as text: `canonical` would take ten times as long for tens of thousands."""
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def _fill(
    checkpoint: Checkpoint,
    dataset: Dataset,
    samples: Sequence[Sample],
    size: int,
    conversion: Conversion,
    progress: Progress,
    skip_broken: bool,
) -> dict[str, Any]:
    """Write the images one after the other and return the rest; nothing is kept where one is broken and may not be."""
    file = checkpoint.attach(IMAGES)
    kept: list[Sample] = []
    digests: list[npt.NDArray[np.uint8]] = []
    broken: list[tuple[str, str]] = []
    notes: list[str] = []
    for done, (sample, image) in enumerate(pictures(dataset, samples, size, conversion, notes), start=1):
        if isinstance(image, Unreadable):
            broken.append((sample.id, image.reason))
        else:
            kept.append(sample)
            digests.append(image_digest(image))
            file.write(np.ascontiguousarray(image).tobytes())
        progress(done, len(samples))
    if not kept or (broken and not skip_broken):
        raise _unreadable(broken, samples)
    return {
        "labels": torch.tensor([sample.label for sample in kept], dtype=torch.uint8),
        "ids": [sample.id for sample in kept],
        "groups": [sample.group for sample in kept],
        "splits": [sample.split or "" for sample in kept],
        "digests": np.stack(digests),
        "broken": broken,
        "notes": notes,
    }


def _unreadable(broken: Sequence[tuple[str, str]], samples: Sequence[Sample]) -> DataError:
    """Return the fault of images that cannot be read, each by its file where it has one."""
    where = {sample.id: sample.path or sample.id for sample in samples}
    return DataError(
        f"{len(broken)} of {len(samples)} images cannot be read",
        faults=[f"{where[identity]}: {reason}" for identity, reason in broken],
        fix="replace these files, or go on without them by --skip-broken (stamped on every result)",
    )


def _mapped(path: Path, shape: tuple[int, ...]) -> Tensor:
    """Return a file's bytes as a tensor, read page by page when they are asked for; a write is a SIGSEGV."""
    with open(path, "rb") as file:
        memory = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch warns of memory that cannot be written to: that is meant
        return torch.frombuffer(memory, dtype=torch.uint8).view(shape)
