"""What is seen of a data set while it is checked: itself, its samples, and each of its images once."""

import functools
import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from harness.data.asked import Asked, parse_dataset
from harness.data.dataset import Dataset, Sample
from harness.errors import DatasetNotFound
from harness.images.decoding import Conversion, decoded
from harness.images.unreadable import Unreadable
from harness.storage.canonical import digest
from harness.storage.disk import sha256_of
from harness.testing.case.failures import CheckSkipped

SIZE = 64
"""Pixels at which images are compared."""

FEW = 8


class Seen(NamedTuple):
    """What an image is known by: sha256 of its file, None where it has none, and of its pixels, None if unreadable."""

    file: str | None
    pixels: str | None


@dataclass(frozen=True, kw_only=True)
class DatasetCase:
    """A data set as it is ``written`` on the command line, below the data folder ``root``."""

    written: str
    root: Path
    seen: dict[str, Seen] = field(default_factory=dict, compare=False)
    trouble: list[Exception] = field(default_factory=list, compare=False)

    @functools.cached_property
    def asked(self) -> Asked:
        """What is written, read."""
        return parse_dataset(self.written)

    @property
    def dataset(self) -> Dataset:
        """The data set itself. Raises `HarnessError` where it cannot be made."""
        return self.asked.dataset()

    @property
    def folder(self) -> Path:
        """Where its files are, as a run would say."""
        if self.asked.path is not None:
            return Path(self.asked.path)
        return self.root / self.dataset.name if self.dataset.in_folder else Path()

    def listed(self) -> list[Sample]:
        """Return what `samples` gives when it is asked anew. Raises `CheckSkipped` where no file of the set is here."""
        try:
            return list(self.dataset.samples(self.folder))
        except DatasetNotFound as absent:
            raise CheckSkipped(f"{absent.message}: put its images there, or name their folder by --data-dir") from None

    @functools.cached_property
    def samples(self) -> list[Sample]:
        """What `samples` gives the first time; rules after the first go by it."""
        return self.listed()

    @functools.cached_property
    def here(self) -> list[Sample]:
        """The samples whose images are on this machine. Raises `CheckSkipped` where none is."""
        if not (found := [sample for sample in self.samples if sample.is_here]):
            raise CheckSkipped(f"no image of the {len(self.samples)} that are labelled is in {self.folder}")
        return found

    @functools.cached_property
    def own(self) -> list[Sample]:
        """The samples whose images the data set gives itself. Raises `CheckSkipped` where all have files."""
        if not (found := [sample for sample in self.here if sample.path is None]):
            raise CheckSkipped("its images are files, which the harness decodes")
        return found

    def few(self) -> list[Sample]:
        """Return some of `own` of both ends and the middle, in their order."""
        places = np.unique(np.linspace(0, len(self.own) - 1, FEW).astype(int))
        return [self.own[place] for place in places]

    def look(self, seconds: float) -> tuple[int, int]:
        """Look at images that were not seen yet, for so long; return how many are seen by now, and of how many."""
        until = time.monotonic() + seconds
        for identity, seen in self._looking:
            self.seen[identity] = seen
            if time.monotonic() > until:
                return len(self.seen), len(self.here)
        return len(self.here), len(self.here)

    def looked(self) -> Mapping[str, Seen]:
        """Return what every image that is here is known by, by id. Raises what looking at them raised."""
        self.look(np.inf)
        if self.trouble:
            raise self.trouble[0]
        return self.seen

    @functools.cached_property
    def _looking(self) -> Iterator[tuple[str, Seen]]:
        return self._look()

    def _look(self) -> Iterator[tuple[str, Seen]]:
        files = {sample.id: sample.path for sample in self.here if sample.path is not None}
        for (identity, path), image in zip(files.items(), decoded([*files.values()], SIZE, Conversion()), strict=True):
            yield identity, Seen(sha256_of(path), pixels_of(image))
        own = [sample for sample in self.here if sample.path is None]
        try:
            for sample, image in zip(own, self.images(own), strict=False):
                yield sample.id, Seen(None, pixels_of(image))
        except Exception as error:  # it is anybody's code, and each rule that needs the images tells it
            self.trouble.append(error)

    def images(self, samples: Sequence[Sample], size: int = SIZE) -> Iterator[npt.NDArray[np.uint8] | Unreadable]:
        """Return what the data set gives for these samples; nothing is asked for none."""
        return iter(self.dataset.images(samples, size) if samples else ())

    def summary(self) -> dict[str, Any]:
        """Return all that must be the same whenever and wherever it is asked for, as JSON."""
        dataset, samples = self.dataset, self.listed()
        described = {
            name: getattr(dataset, name) for name in ("name", "version", "classes", "licence", "citation", "simulated")
        }
        rows = [[s.id, s.label, s.group, s.split, None if s.path is None else str(s.path)] for s in samples]
        few = self.few() if any(sample.path is None for sample in self.here) else []
        return {
            **{f"its {name}": repr(value) for name, value in described.items()},
            "the order of its samples": digest([row[0] for row in rows]),
            "its samples": digest(sorted(rows, key=repr)),
            "its images": [pixels_of(image) for image in self.images(few)],
        }


def pixels_of(image: object) -> str | None:
    """Return a hash of an image's pixels, type and shape; None where it cannot be had."""
    if isinstance(image, Unreadable):
        return None
    pixels = np.ascontiguousarray(np.asarray(image))
    return hashlib.sha256(repr((pixels.dtype, pixels.shape)).encode() + pixels.tobytes()).hexdigest()


@functools.lru_cache(maxsize=1)
def case_of(written: str, root: str) -> DatasetCase:
    """Return the case of a data set, the same for all rules that are asked one after the other."""
    return DatasetCase(written=written, root=Path(root))
