"""What a user's own images have in common, in folders or in a label file: which class is positive, names, faults."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.data import DataError, Split

SPLIT_NAMES: dict[str, Split] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""How splits are spelled, in small letters."""

_IMAGE_SUFFIXES = frozenset(
    (
        *(".apng", ".avif", ".bmp", ".gif", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm"),
        *(".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp"),
    )
)

_FAULTS_SHOWN = 50
_CLASSES_SHOWN = 20
_LONGEST_NAME = 60


def is_image(name: str) -> bool:
    """Return whether a file is an image by its name."""
    return os.path.splitext(name)[1].lower() in _IMAGE_SUFFIXES


def own_name(kind: str, path: Path) -> str:
    """Return what a set is called, from its kind and its path: letters, digits, dots and dashes."""
    name = re.sub(r"[^A-Za-z0-9._]+", "-", path.name).strip("-.")[:_LONGEST_NAME]
    return f"{kind}-{name or 'images'}"


def positive_of(counts: Mapping[str, int], positive: str | None) -> str | None:
    """Return which of two classes is positive: the one that is named, in any case, else the rarer; None: a tie."""
    if positive is not None:
        return next((name for name in counts if name.casefold() == positive.strip().casefold()), None)
    rarer, other = sorted(counts, key=lambda name: counts[name])
    return rarer if counts[rarer] < counts[other] else None


def class_faults(counts: Mapping[str, int], positive: str | None) -> list[str]:
    """Return why these classes, with their numbers of images, are no binary task with a known positive class."""
    if len(counts) != 2:
        return [f"{len(counts)} class{'es' * (len(counts) != 1)}, where two are needed: {counted(counts)}"]
    if len({name.casefold() for name in counts}) == 1:
        return [f"two classes that differ in case alone: {counted(counts)}"]
    if positive_of(counts, positive) is not None:
        return []
    if positive is not None:
        return [f"no class is called {positive!r}, which --positive names: the classes are {' and '.join(counts)}"]
    return [f"both classes have {max(counts.values())} images, so the rarer is not known: name one by --positive"]


def counted(counts: Mapping[str, int]) -> str:
    """Return classes with their numbers of images, the largest first."""
    order = sorted(counts, key=lambda name: -counts[name])
    hidden = len(order) - _CLASSES_SHOWN
    more = [f"{hidden} more"] if hidden > 0 else []
    return ", ".join([f"{name} ({counts[name]})" for name in order[:_CLASSES_SHOWN]] + more)


def positive_remark(counts: Mapping[str, int], positive: str) -> str:
    """Return the note that says which class was taken as positive, where nobody named it."""
    other = next(name for name in counts if name != positive)
    return (
        f"positive is {positive!r}, the rarer class with {counts[positive]} of {sum(counts.values())} images;"
        f" --positive {other!r} makes it the other"
    )


def refusal(what: str, faults: Sequence[str], fix: str) -> DataError:
    """Return the error that lists the faults, fifty at most."""
    hidden = len(faults) - _FAULTS_SHOWN
    more = [f"and {hidden} more"] if hidden > 0 else []
    return DataError(what, faults=[*faults[:_FAULTS_SHOWN], *more], fix=fix)


def stated(folder: Path, *names: str) -> str:
    """Return which file of the folder states a licence, say, by its usual ``names`` before any suffix."""
    with os.scandir(folder) as entries:
        files = sorted(entry.name for entry in entries if Path(entry.name).stem.upper() in names and entry.is_file())
    return f"see {files[0]} among the images" if files else "not stated"


def leads_out(path: Path, folder: Path) -> bool:
    """Return whether a path, with its links followed, lies outside of a folder that is given without links."""
    return not Path(os.path.realpath(path)).is_relative_to(folder)
