"""From the rows of a label file to labelled images, each held to the folder that it speaks of; faults by line."""

import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.data import Split
from harness.datasets.own_images import SPLIT_NAMES

Row = tuple[int, dict[str, str]]
Fault = tuple[int, str]
"""A line's number, and what is wrong there."""


@dataclass(frozen=True)
class Labelled:
    """One row: the image's id, its file, its label in words; split and group where there are any."""

    line: int
    id: str
    file: Path
    label: str
    split: Split | None
    group: str | None


class PathError(ValueError):
    """No image can be had from a path as it is written: why."""


class Places:
    """Where the images of a label file lie: below its folder, or anywhere where all paths are absolute."""

    def __init__(self, folder: Path, paths: Sequence[str]) -> None:
        """``folder`` is the label file's, without links."""
        self._folder = str(folder)
        self._absolute = bool(paths) and all(map(os.path.isabs, paths))
        self._base = self._folder
        if self._absolute:
            self._base = os.path.commonpath([os.path.dirname(os.path.normpath(path)) for path in paths])
        self._inside: dict[str, bool] = {}

    def image(self, path: str) -> tuple[str, Path]:
        """Return an image's id, its path below the folder or below what all share, and its file. Raises `PathError`."""
        if "://" in path:
            raise PathError(f"{path} is an address: images must be on this machine")
        if os.path.isabs(path) and not self._absolute:
            raise PathError(f"{path} is absolute, and others are relative")
        file = os.path.normpath(os.path.join(self._base, path))
        if not self._absolute and not self._is_inside(os.path.dirname(file)):
            raise PathError(f"{path} leads out of the label file's folder")
        try:
            status = os.lstat(file)
            if stat.S_ISLNK(status.st_mode):
                if not self._absolute and not self._holds(os.path.realpath(file)):
                    raise PathError(f"{path} leads out of the label file's folder")
                status = os.stat(file)
        except OSError as error:
            reason = "" if isinstance(error, FileNotFoundError) else f" ({error.strerror})"
            slashes = "; folders are parted by /" if "\\" in path else ""
            raise PathError(f"no file {path}{reason}{slashes}") from None
        if not stat.S_ISREG(status.st_mode):
            raise PathError(f"{path} is no regular file")
        return file.removeprefix(self._base).lstrip("/"), Path(file)

    def _is_inside(self, parent: str) -> bool:
        """Return whether a folder lies in the label file's, also once links are followed; each is asked once."""
        if parent not in self._inside:
            self._inside[parent] = self._holds(parent) and self._holds(os.path.realpath(parent))
        return self._inside[parent]

    def _holds(self, path: str) -> bool:
        return os.path.commonpath([self._folder, path]) == self._folder


def labelled_rows(rows: Sequence[Row], folder: Path) -> tuple[list[Labelled], list[Fault]]:
    """Return the rows that can be used, and the faults of the others; ``folder`` is the label file's."""
    places = Places(folder, [row["path"] for _, row in rows if row["path"]])
    split = any(row.get("split") for _, row in rows)
    found: list[Labelled] = []
    faults: list[Fault] = []
    for line, row in rows:
        wrong = [f"no {name}" for name in ("path", "label") if not row[name]]
        if split and row["split"].casefold() not in SPLIT_NAMES:
            wrong.append(f"{row['split']!r} is no split (train, validation, test)" if row["split"] else "no split")
        try:
            image = places.image(row["path"]) if row["path"] else None
        except PathError as error:
            wrong.append(str(error))
        faults += [(line, text) for text in wrong]
        if not wrong and image:
            own = SPLIT_NAMES[row["split"].casefold()] if split else None
            found.append(Labelled(line, *image, row["label"], own, row.get("group") or None))
    return found, [*faults, *_again(found), *_torn(found)]


def _again(found: Sequence[Labelled]) -> Iterator[Fault]:
    """Tell of each row whose image is in an earlier one."""
    first: dict[str, Labelled] = {}
    for one in found:
        before = first.setdefault(one.id, one)
        if before is not one:
            how = "again" if before.label == one.label else f"again, as {one.label!r} and not {before.label!r}"
            yield one.line, f"{one.id} is listed {how} (line {before.line})"


def _torn(found: Sequence[Labelled]) -> Iterator[Fault]:
    """Tell of each group whose images are in two splits."""
    first: dict[str, Labelled] = {}
    told: set[str] = set()
    for one in found:
        before = first.setdefault(one.group, one) if one.group else one
        if one.group and before.split != one.split and one.group not in told:
            told.add(one.group)
            yield one.line, f"group {one.group!r} is in {one.split}, and in {before.split} in line {before.line}"


def label_counts(found: Sequence[Labelled]) -> dict[str, int]:
    """Return the number of images of each label, as it is written, in the order of the lines."""
    return dict(Counter(one.label for one in found))
