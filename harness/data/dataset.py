"""What one data set tells the harness: its labels, its positive class, its images.

Caching, splitting and augmentation are the harness's own (`harness.data.loading`, `harness.data.splitting`,
`harness.training.augmentation`) and the same for every data set.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

from torch import Tensor

from harness.progress import Progress

Split = Literal["train", "test"]
"""The publisher's splits; validation is cut from ``train`` by `harness.data.splitting`."""

SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One labelled image. ``label`` is 1 for the positive class; samples of one ``group`` stay in one split.

    ``path`` is the image's file, which may be missing; None where the data set reads or draws it in another way.
    """

    id: str
    label: int
    path: Path | None = None
    group: str | None = None

    @property
    def is_here(self) -> bool:
        """Whether the image is on this machine."""
        return self.path is None or self.path.is_file()


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

    Most are a `FileDataset` or a `SimulatedDataset`; any other says itself where its images come from.
    """

    name: ClassVar[str]
    version: ClassVar[str]  # raised when labels or pixels change
    classes: ClassVar[tuple[str, str]]  # (negative, positive), in words
    licence: ClassVar[str]
    citation: ClassVar[str]
    simulated: ClassVar[bool]
    substitute: ClassVar[str | None] = None  # the simulated data set that stands in when the images are missing
    in_folder: ClassVar[bool] = False  # whether its images lie below ``<data folder>/<name>/``
    official_counts: ClassVar[
        Mapping[Split, tuple[int, int]]
    ] = {}  # (negatives, positives) by the publisher; or not known
    remote_files: ClassVar[Sequence[RemoteFile]] = ()  # what `harness data fetch` downloads; empty: nothing can be
    latents: ClassVar[tuple[str, ...]] = ()  # latent variables that its images are drawn from; empty: none is known
    oracle_auc: ClassVar[float | None] = None  # the best AUC-ROC that any classifier can reach; None: not known

    @abstractmethod
    def samples(self, folder: Path, split: Split) -> Sequence[Sample]:
        """Return every labelled image of ``split``, sorted by id, also those whose file is missing.

        ``folder`` is ``<data folder>/<name>``. Raises `DatasetNotFound` where there is nothing to read, and
        `DataError` with every fault of the labels at once.
        """

    @abstractmethod
    def images(self, samples: Sequence[Sample], size: int, progress: Progress) -> Tensor:
        """Return the images of ``samples``, all of one split, in their order: uint8 (N, 3, size, size), RGB.

        Raises `DataError` with every image that cannot be read.
        """

    def image_key(self, samples: Sequence[Sample]) -> dict[str, Any]:  # noqa: ARG002
        """Return, as JSON values, what decides the images of ``samples`` besides version, split and size."""
        return {"options": {item.name: getattr(self, item.name) for item in fields(self)} if is_dataclass(self) else {}}

    def remedy(self, folder: Path) -> str:
        """Return how a user gets the images into ``folder``: by command, by hand, or by naming another folder."""
        elsewhere = "name the folder above it with --data-dir or HARNESS_DATA"
        if not self.remote_files:
            return f"put the publisher's folders into {folder}, or {elsewhere}"
        addresses = "".join(f"\n    {remote.mirrors[0]}" for remote in self.remote_files)
        return (
            f"run `harness data fetch {self.name}`, which downloads them to {folder}, or {elsewhere}. By hand: put"
            f" these files into {folder}, and the same command checks and unpacks them without a network{addresses}"
        )
