"""What one data set tells the harness: labels, positive class, files or pixels.

Decoding, caching, splitting and augmentation are the harness's own (`harness.data.decoding`, `harness.data.splitting`,
`harness.training.augmentation`) and the same for every data set.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

Split = Literal["train", "test"]
"""The publisher's splits; validation is cut from ``train`` by `harness.data.splitting`."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One labelled image file. ``label`` is 1 for the positive class; samples of one ``group`` stay in one split."""

    id: str
    label: int
    path: Path
    group: str | None = None


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """One file that the publisher offers: a file of the data set's folder, or a zip of one folder in it.

    ``mirrors`` are https addresses of the same bytes, tried in order. ``sha256`` is a hash that is
    published, if not by them: other bytes are refused. ``seen_sha256`` is that of copies only: other bytes are said.
    ``unpacks_to`` names the folder that a zip's single top folder becomes; None: the file is used as it is.
    """

    name: str
    mirrors: tuple[str, ...]
    sha256: str | None = None
    seen_sha256: str | None = None
    unpacks_to: str | None = None


class Dataset(ABC):
    """A binary image data set whose positive class is the one that must not be missed."""

    name: ClassVar[str]
    version: ClassVar[str]  # raised when labels or pixels change
    classes: ClassVar[tuple[str, str]]  # (negative, positive), in words
    licence: ClassVar[str]
    citation: ClassVar[str]
    simulated: ClassVar[bool]
    substitute: ClassVar[str | None] = None  # the simulated data set that stands in when the images are missing


class FileDataset(Dataset):
    """A data set of image files below ``<data folder>/<name>/``, in the publisher's layout."""

    simulated = False
    remote_files: ClassVar[Sequence[RemoteFile]] = ()  # what `harness data fetch` downloads; empty: nothing can be

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

    @abstractmethod
    def samples(self, folder: Path, split: Split) -> Sequence[Sample]:
        """Return every labelled image of ``split``, sorted by id, also those whose file is missing.

        ``folder`` is ``<data folder>/<name>``. Raises `DatasetNotFound` where there is nothing to read, and
        `DataError` with every fault of the label file at once.
        """


class SimulatedDataset(Dataset):
    """A seeded generator of images whose class acts only through known latent variables.

    Splits are "train", "test" and "pretraining", which shares no image with the other two.
    """

    simulated = True
    latents: ClassVar[tuple[str, ...]]  # names of the latent variables
    oracle_auc: ClassVar[float]  # the best AUC-ROC that any classifier can reach, from the latents' distributions

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
