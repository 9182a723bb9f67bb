"""MedMNIST's files: each an npz of images and labels in three splits, read forwards without holding an array whole.

Their package is not asked: it needs torchvision, pandas and scikit-image, and the files are numpy's own format.
"""

import itertools
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy
from PIL import Image

from harness.data import DataError, Dataset, DatasetNotFound, RemoteFile, Sample, Split, Unreadable

PIXELS = (28, 64, 128, 224)
"""The sizes that are published: 28 is the first MedMNIST, the others MedMNIST+."""

_ADDRESS = "https://zenodo.org/records/10519652/files/{}?download=1"
_PREFIXES: Mapping[Split, str] = {"train": "train", "validation": "val", "test": "test"}
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, NotImplementedError, OSError)
_MOST_LABEL_BYTES = 1 << 24


@dataclass(frozen=True, kw_only=True)
class MedMnist(Dataset, ABC):
    """One set of MedMNIST, its images ``pixels`` high and wide, resized from there to what a run asks for.

    Source: Yang et al. 2023, MedMNIST v2, doi:10.1038/s41597-022-01721-8; files: doi:10.5281/zenodo.10519652.
    """

    pixels: int = 224

    version = "3"
    in_folder = True
    md5: ClassVar[Mapping[int, str]]  # of the file of each size, as the package medmnist 3.0.2 lists them
    most_label: ClassVar[int]

    def __post_init__(self) -> None:
        if self.pixels not in PIXELS:
            raise ValueError(f"pixels: should be one of {', '.join(map(str, PIXELS))}, not {self.pixels}")

    @abstractmethod
    def is_positive(self, label: int) -> bool:
        """Return whether a class of MedMNIST's is the positive one."""

    @property
    def remote_files(self) -> Sequence[RemoteFile]:
        """The one file of this size."""
        return (RemoteFile(name=self._file, mirrors=(_ADDRESS.format(self._file),), md5=self.md5[self.pixels]),)

    @property
    def _file(self) -> str:
        return f"{self.name}.npz" if self.pixels == 28 else f"{self.name}_{self.pixels}.npz"

    def samples(self, folder: Path) -> Sequence[Sample]:
        """Return the labels of all splits; an id is split and row. See `Dataset.samples`."""
        path = folder / self._file
        if not path.is_file():
            raise DatasetNotFound(f"no file {path}", fix=self.remedy(folder))
        try:
            labels = self._labels(path)
        except _UNREADABLE as error:
            raise DataError(
                f"{path} cannot be read: {_text(error)}",
                fix=f"move it away; then {self.remedy(folder)}",
            ) from error
        return [
            Sample(id=f"{split}-{row:05d}", label=int(self.is_positive(label)), source=path, split=split)
            for split, own in labels.items()
            for row, label in enumerate(own)
        ]

    def _labels(self, path: Path) -> dict[Split, list[int]]:
        """Return MedMNIST's labels of each split. Raises ValueError where they, or the images' shape, cannot be."""
        with zipfile.ZipFile(path) as archive:
            labels = {split: _read_labels(archive, prefix, self.most_label) for split, prefix in _PREFIXES.items()}
            for split, prefix in _PREFIXES.items():
                with archive.open(f"{prefix}_images.npy") as stream:
                    shape = _image_shape(stream)
                if shape[:3] != (len(labels[split]), self.pixels, self.pixels):
                    raise ValueError(
                        f"{prefix}_images is {shape}, which is not {len(labels[split])} images of {self.pixels} pixels"
                    )
        return labels

    def images(self, samples: Sequence[Sample], size: int) -> Iterator[npt.NDArray[np.uint8] | Unreadable]:
        """Yield the images, resized as files are; see `Dataset.images`."""
        for (path, split), own in itertools.groupby(samples, lambda sample: (sample.source, sample.split)):
            assert path is not None, "samples() names the file"
            assert split is not None, "samples() names the split"
            yield from _squares(path, _PREFIXES[split], [int(sample.id.rpartition("-")[2]) for sample in own], size)


def _read_labels(archive: zipfile.ZipFile, prefix: str, most: int) -> list[int]:
    name = f"{prefix}_labels"
    if archive.getinfo(f"{name}.npy").file_size > _MOST_LABEL_BYTES:
        raise ValueError(f"{name} is larger than labels are")
    with archive.open(f"{name}.npy") as stream:
        shape, _, kind = _head(stream)
        content = stream.read()
    if kind.kind not in "iu" or len(shape) not in (1, 2) or shape[1:] not in ((), (1,)):
        raise ValueError(f"{name} holds {kind} {shape}, not one whole number an image")
    if len(content) != shape[0] * kind.itemsize:
        raise ValueError(f"{name} does not hold the {shape[0]} labels that it states")
    labels = np.frombuffer(content, dtype=kind).tolist()
    if wrong := sorted({label for label in labels if not 0 <= label <= most}):
        raise ValueError(f"{name} holds labels that are not from 0 to {most}: {', '.join(map(str, wrong[:10]))}")
    return [int(label) for label in labels]


def _image_shape(stream: IO[bytes]) -> tuple[int, ...]:
    """Read the head of an array of images, grey (N, P, P) or RGB (N, P, P, 3), and return its shape."""
    shape, by_column, kind = _head(stream)
    if kind != np.uint8 or by_column or len(shape) not in (3, 4) or shape[3:] not in ((), (3,)):
        raise ValueError(f"its images are {kind} {shape}, neither grey nor RGB bytes")
    return shape


def _head(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return an array's shape, whether it lies column by column, and its type; nothing of it is unpickled."""
    read = npy.read_array_header_1_0 if npy.read_magic(stream) == (1, 0) else npy.read_array_header_2_0
    shape, by_column, kind = read(stream)
    return tuple(shape), by_column, kind


def _squares(path: Path, prefix: str, rows: Sequence[int], size: int) -> Iterator[npt.NDArray[np.uint8] | Unreadable]:
    """Yield the images at ``rows``, best in rising order. A damaged file gives no image from there on."""
    given = 0
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{prefix}_images.npy") as stream:
            shape = _image_shape(stream)[1:]
            start, step = stream.tell(), int(np.prod(shape))
            for row in rows:
                stream.seek(start + row * step)
                yield _square(np.frombuffer(stream.read(step), dtype=np.uint8).reshape(shape), size)
                given += 1
    except _UNREADABLE as error:
        yield from [Unreadable(f"{path}: {_text(error)}")] * (len(rows) - given)


def _square(image: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
    """Return one image as (3, size, size)."""
    square = Image.fromarray(image).convert("RGB").resize((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.ascontiguousarray(np.asarray(square, dtype=np.uint8).transpose(2, 0, 1))


def _text(error: Exception) -> str:
    return f"it lacks {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__
