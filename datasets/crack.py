"""CRACK: tiles of concrete walls, intact against cracked, in the draw and the split of the paper."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from harness.data import DataError, DatasetNotFound, FileDataset, RemoteFile, Sample, Split

DRAW_SEED = 2021
"""Of the draw and the split, which are the same for every run."""

NEGATIVES, POSITIVES = 20_000, 4_000
"""Images that the paper draws of the publisher's 20,000 and 20,000, five to one."""

SHARES: Mapping[Split, float] = {"train": 0.70, "validation": 0.15, "test": 0.15}
_DEPTH = 3  # of the class folders below the data set's own
_PUBLISHED = 20_000  # of either class
_IMAGES = (".jpg", ".jpeg")
_ARCHIVE = "Concrete Crack Images for Classification"

# 241,363,336 bytes. The publisher lists the hash; the second address is where public code found it: other bytes are
# refused.
_REMOTE_FILE = RemoteFile(
    name=f"{_ARCHIVE}.rar",
    mirrors=(
        "https://data.mendeley.com/public-files/datasets/5y9wdsg2zt/files/8a70d8a5-bce9-4291-bab9-b48cfb3e87c3/file_downloaded",
        "https://prod-dcd-datasets-public-files-eu-west-1.s3.eu-west-1.amazonaws.com/b60351e5-29e8-49a6-a83f-1e275aea6622",
    ),
    sha256="08d7dc505a4f5a0330cee2fa2a1ae4b5b4f98bcffd0549b774caf7959bb1f02f",
    unpacks_to=_ARCHIVE,
)


class Crack(FileDataset):
    """Concrete Crack Images for Classification, version 2: 227 x 227 tiles of 458 photographs.

    Of 20,000 intact and 20,000 cracked tiles the paper draws 20,000 and 4,000, and splits them 70/15/15.
    Source: Ozgenel 2019, doi:10.17632/5y9wdsg2zt.2.
    """

    name = "crack"
    version = "2-draw-1"
    classes = ("intact", "cracked")
    licence = "CC-BY-4.0"
    thumbnails = True
    citation = "Ozgenel 2019, Concrete Crack Images for Classification, version 2, doi:10.17632/5y9wdsg2zt.2"
    selective = True
    caveats: ClassVar[tuple[str, ...]] = (
        "Tiles of one photo fall on both sides: the 40,000 tiles of “crack” are cut from 458 photographs, and no name"
        " says from which, so that training and test share walls. A high AUC is partly recognition of them.",
    )
    official_counts: ClassVar[Mapping[Split | None, tuple[int, int]]] = {
        "train": (14_000, 2_800),
        "validation": (3_000, 600),
        "test": (3_000, 600),
    }
    remote_files = (_REMOTE_FILE,)

    def samples(self, folder: Path) -> Sequence[Sample]:
        """Return the drawn tiles with their split, sorted by id; see `Dataset.samples`.

        Of fewer tiles as many are drawn as keep five to one.
        """
        places = self._places(folder)
        ranked = {name: drawn(name, tiles) for name, (_, tiles) in places.items()}
        kept = {"negative": NEGATIVES, "positive": len(ranked["negative"]) * POSITIVES // NEGATIVES}
        return [
            Sample(id=f"{name}/{tile}", label=label, path=places[name][0] / tile, split=split)
            for label, name in enumerate(kept)
            for tile, split in sorted(_split(ranked[name][: kept[name]]))
        ]

    def _places(self, folder: Path) -> dict[str, tuple[Path, list[str]]]:
        """Return the folder of either class and the tiles in it, negatives first.

        Raises `DatasetNotFound` where there is no tile, `DataError` where one class is not what it should be.
        """
        places = {name: _class_folders(folder, name, _DEPTH) for name in ("negative", "positive")}
        found = {name: [(place, _tiles_in(place)) for place in sorted(own)] for name, own in places.items()}
        if not any(tiles for own in found.values() for _, tiles in own):
            raise DatasetNotFound(f"no folders Positive and Negative with tiles in {folder}", fix=self.remedy(folder))
        if faults := [fault for name, own in found.items() for fault in _faults(name, own)]:
            raise DataError(
                f"the folders below {folder} are not those of {self.name}",
                faults=faults,
                fix="leave one folder Positive and one folder Negative there, as their publisher has them",
            )
        return {name: only for name, (only,) in found.items()}


def drawn(name: str, tiles: Sequence[str]) -> list[str]:
    """Return the file names ``tiles`` of a class in the order in which they are drawn, a permutation by `DRAW_SEED`.

    It is that of the sha256 of seed, class and name, so that it depends on no library, and a missing tile moves hardly
    any other into another split.
    """
    return sorted(tiles, key=lambda tile: hashlib.sha256(f"{DRAW_SEED}/{name}/{tile}".encode()).digest())


def _split(tiles: Sequence[str]) -> Iterator[tuple[str, Split]]:
    first = round(SHARES["train"] * len(tiles))
    second = first + round(SHARES["validation"] * len(tiles))
    for rank, tile in enumerate(tiles):
        yield tile, "train" if rank < first else "validation" if rank < second else "test"


def _class_folders(folder: Path, name: str, depth: int) -> Iterator[Path]:
    """Yield the folders called ``name``, in any case, at most ``depth`` below ``folder``; no hidden ones."""
    if depth == 0 or not folder.is_dir():
        return
    for entry in os.scandir(folder):
        if entry.name.startswith(".") or not entry.is_dir():
            continue
        if entry.name.casefold() == name:
            yield Path(entry.path)
        elif entry.name.casefold() not in ("negative", "positive"):
            yield from _class_folders(Path(entry.path), name, depth - 1)


def _tiles_in(folder: Path) -> list[str]:
    names = (entry.name for entry in os.scandir(folder))
    return sorted(name for name in names if name.lower().endswith(_IMAGES) and not name.startswith("."))


def _faults(name: str, places: Sequence[tuple[Path, Sequence[str]]]) -> Iterator[str]:
    spelt, tiles = name.capitalize(), sum(len(tiles) for _, tiles in places)
    if len(places) > 1:
        yield f"{len(places)} folders called {spelt}: {', '.join(str(place) for place, _ in places)}"
    elif not tiles:
        yield f"no tiles of the class {spelt}"
    elif tiles > _PUBLISHED:
        yield f"{spelt} has {tiles:,} tiles, and its publisher gave {_PUBLISHED:,}: others are among them"
