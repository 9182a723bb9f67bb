"""What one data set tells the harness: its labels, its positive class, its images.

Caching, splitting and augmentation are the harness's own (`harness.data.image_cache`, `harness.data.splitting`,
`harness.training.augmentation`) and the same for every data set.
"""

import shlex
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import numpy as np
import numpy.typing as npt

from harness.errors import DataError
from harness.images.unreadable import Unreadable

Split = Literal["train", "validation", "test"]

SPLITS: tuple[Split, ...] = get_args(Split)

WHOLE = "all"
"""What the images of a set without a split of its publisher's are called."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One labelled image. ``label`` is 1 for the positive class; samples of one ``group`` stay in one split.

    ``path`` is the image's file, which may be missing; None where the data set draws or reads it in another way, from
    ``source`` where that is a file of many images. ``split`` is the publisher's; where no sample has one, the harness
    cuts them.
    """

    id: str
    label: int
    path: Path | None = None
    source: Path | None = None
    group: str | None = None
    split: Split | None = None

    @property
    def is_here(self) -> bool:
        """Whether the image is on this machine."""
        file = self.path or self.source
        return file is None or file.is_file()


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """One file that the publisher offers: a file of the data set's folder, or a zip or RAR of one folder in it.

    ``mirrors`` are https addresses of the same bytes, tried in order. ``sha256`` is a hash that is
    published, if not by them: other bytes are refused, as by ``md5``, where only that is published. ``seen_sha256`` is
    that of copies only: other bytes are said. ``unpacks_to`` names the folder that a zip's single top folder, or what a
    RAR holds, becomes; None: the file is used as it is. A RAR, which another program unpacks, needs its ``sha256``.
    """

    name: str
    mirrors: tuple[str, ...]
    sha256: str | None = None
    md5: str | None = None
    seen_sha256: str | None = None
    unpacks_to: str | None = None

    def __post_init__(self) -> None:
        if self.name.lower().endswith(".rar") and self.sha256 is None:
            raise ValueError(f"{self.name} is a RAR: give the sha256 of its bytes, which it is unpacked by")

    @property
    def has_published_hash(self) -> bool:
        """Whether other bytes than the publisher's are known to be others."""
        return self.sha256 is not None or self.md5 is not None


class Dataset(ABC):
    """A binary image data set whose positive class is the one that must not be missed.

    Most are a `FileDataset` or a `SimulatedDataset`; any other gives its images itself. One that is a frozen dataclass
    has its fields as options, written ``elpv[strict=true]``; the field ``path`` is written ``folder:PATH``.
    """

    if TYPE_CHECKING:  # variables of the class, or properties where the options decide

        @property
        def name(self) -> str:
            """What the set is called; results are kept under it."""

        @property
        def version(self) -> str:
            """Raised when labels or pixels change."""

        @property
        def classes(self) -> tuple[str, str]:
            """Negative and positive, in words."""

        @property
        def licence(self) -> str:
            """Of the images, as its publisher calls it."""

        @property
        def citation(self) -> str:
            """What to cite."""

        @property
        def official_counts(self) -> Mapping[Split | None, tuple[int, int]]:
            """(negatives, positives) by the publisher, of None where there is no split; or not known."""

        @property
        def remote_files(self) -> Sequence[RemoteFile]:
            """What `harness data fetch` downloads; empty: nothing can be."""

    else:
        official_counts = {}
        remote_files = ()

    simulated: ClassVar[bool] = False
    substitute: ClassVar[str | None] = None  # the simulated data set that stands in when the images are missing
    in_folder: ClassVar[bool] = False  # whether its images lie below ``<data folder>/<name>/``
    selective: ClassVar[bool] = False  # whether images that lie beside the labelled ones are left out on purpose
    caveats: ClassVar[tuple[str, ...]] = ()  # sentences on why a number on this set means less than it seems to
    thumbnails: ClassVar[bool] = False  # whether small pictures of it may be published, by its licence
    latents: ClassVar[tuple[str, ...]] = ()  # latent variables that its images are drawn from; empty: none is known
    oracle_auc: ClassVar[float | None] = None  # the best AUC-ROC that any classifier can reach; None: not known

    @abstractmethod
    def samples(self, folder: Path) -> Sequence[Sample]:
        """Return every labelled image, sorted by id, also those whose file is missing.

        ``folder`` is ``<data folder>/<name>``. Raises `DatasetNotFound` where there is nothing to read, and
        `DataError` with every fault of the labels at once.
        """

    def images(self, samples: Sequence[Sample], size: int) -> Iterator[npt.NDArray[np.uint8] | Unreadable]:  # noqa: ARG002
        """Yield the image of each of ``samples`` in their order, uint8 (3, size, size), RGB; or why it cannot be had.

        Asked only for samples without a ``path``: files are decoded by the harness's one rule.
        """
        raise DataError(
            f"data set {self.name!r} has samples without a file, such as {samples[0].id!r}, and draws no images",
            fix="give each sample its path, or write the method images(samples, size)",
        )

    def remarks(self, folder: Path) -> Sequence[str]:  # noqa: ARG002
        """Return what a user should know of the files in ``folder`` before a run: a sentence each."""
        return ()

    def remedy(self, folder: Path) -> str:
        """Return how a user gets the images into ``folder``: by command, by hand, or by naming another folder."""
        elsewhere = "name the folder above it with --data-dir or HARNESS_DATA"
        if not self.remote_files:
            return f"put the publisher's folders into {folder}, or {elsewhere}"
        addresses = "".join(f"\n    {remote.name}: {remote.mirrors[0]}" for remote in self.remote_files)
        return (
            f"run `{fetch_command(self)}`, which downloads them to {folder}, or {elsewhere}. By hand: put"
            f" these files into {folder}, and the same command checks and unpacks them without a network{addresses}"
        )


class FileDataset(Dataset):
    """A data set of image files below ``<data folder>/<name>/``, in the publisher's layout."""

    in_folder = True


def options_of(dataset: Dataset) -> dict[str, Any]:
    """Return the options of a data set by name, without the ``path`` of its images, which is this machine's."""
    if not is_dataclass(dataset):
        return {}
    return {item.name: getattr(dataset, item.name) for item in fields(dataset) if item.name != "path"}


def full_name(dataset: Dataset) -> str:
    """Return how a data set is asked for: its name, with the options that are not their defaults."""
    if not is_dataclass(dataset):
        return dataset.name
    usual: dict[str, Any] = {item.name: item.default for item in fields(dataset)}
    if "path" in usual:
        return dataset.name
    others = {name: value for name, value in options_of(dataset).items() if value != usual[name]}
    inside = ",".join(f"{name}={_as_written(others[name])}" for name in sorted(others))
    return f"{dataset.name}[{inside}]" if inside else dataset.name


def _as_written(value: Any) -> str:
    """Return an option's value as a user writes it; two texts stay two, whatever their case."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def fetch_command(dataset: Dataset) -> str:
    """Return the command that downloads a data set, as a shell takes it."""
    return f"harness data fetch {shlex.quote(full_name(dataset))}"


def by_split(samples: Sequence[Sample]) -> dict[str, list[Sample]]:
    """Return the samples of each split that there is, in the order train, validation, test; or `WHOLE`."""
    found: dict[str, list[Sample]] = {}
    for split in (*SPLITS, None):
        if own := [sample for sample in samples if sample.split == split]:
            found[split or WHOLE] = own
    return found
