"""A data set of image files, decoded by one rule."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.data.dataset import Dataset, Sample, Unreadable
from harness.data.decoding import DECODING, Conversion, decoded
from harness.errors import DataError
from harness.progress import Progress


class FileDataset(Dataset):
    """A data set of image files below ``<data folder>/<name>/``, in the publisher's layout."""

    simulated = False
    in_folder = True

    def images(self, samples: Sequence[Sample], size: int, progress: Progress) -> Tensor:
        """Return the decoded files of ``samples``; see `Dataset.images`."""
        images = torch.empty(len(samples), 3, size, size, dtype=torch.uint8)
        faults = []
        paths = [_file(sample) for sample in samples]
        for place, image in enumerate(decoded(paths, size, Conversion())):
            if isinstance(image, Unreadable):
                faults.append(f"{paths[place]}: {image.reason}")
            else:
                images[place] = torch.from_numpy(image)
            progress(place + 1, len(samples))
        if faults:
            raise DataError(f"{len(faults)} of {len(paths)} images cannot be read", faults=faults, fix="replace them")
        return images

    def image_key(self, samples: Sequence[Sample]) -> dict[str, Any]:
        """Return the rule of decoding, and each file as it is now."""
        return {"decoding": DECODING, "files": [_signature(sample) for sample in samples]}


def _signature(sample: Sample) -> list[Any]:
    """Return what tells one file from another without reading it: a changed file changes its size or time."""
    path = _file(sample)
    status = path.stat()
    return [sample.id, sample.label, sample.group, str(path), status.st_size, status.st_mtime_ns]


def _file(sample: Sample) -> Path:
    assert sample.path is not None, f"{sample.id} of a data set of files has no path"
    return sample.path
