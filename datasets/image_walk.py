"""All images below one folder, and everything there that is none or may not be taken."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness.datasets.own_images import is_image, leads_out

_JUNK = {"thumbs.db", "desktop.ini", "__macosx"}


@dataclass
class Contents:
    """What lies in a folder at any depth, each by its path below the ``root`` of the set, sorted.

    ``unused`` are files that are no images by their names, ``below`` the folders in it that hold images.
    """

    root: Path
    images: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    below: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def listed(folder: Path) -> tuple[list[os.DirEntry[str]], list[os.DirEntry[str]]]:
    """Return the folders and the other entries of a folder by name, without hidden ones and what systems leave."""
    with os.scandir(folder) as entries:
        seen = [entry for entry in entries if not entry.name.startswith(".") and entry.name.lower() not in _JUNK]
    seen.sort(key=lambda entry: entry.name)
    return [entry for entry in seen if entry.is_dir()], [entry for entry in seen if not entry.is_dir()]


def contents_of(folder: Path, root: Path) -> Contents:
    """Return all that is in a folder, below its subfolders too."""
    found = Contents(root)
    _walk(folder, found)
    found.faults += _one_name(found.images)
    return found


def _walk(folder: Path, found: Contents) -> None:
    folders, files = listed(folder)
    for entry in files:
        _take(entry, found)
    for entry in folders:
        if entry.is_symlink():
            found.faults.append(f"{_name(entry, found)} is a link to a folder")
            continue
        before = len(found.images)
        _walk(Path(entry.path), found)
        if len(found.images) > before:
            found.below.append(_name(entry, found))


def _take(entry: os.DirEntry[str], found: Contents) -> None:
    name = _name(entry, found)
    if not is_image(name):
        found.unused.append(name)
    elif not _is_text(name):
        found.faults.append(f"{name!r} has a name that is not UTF-8")
    elif entry.is_symlink() and leads_out(Path(entry.path), found.root):
        found.faults.append(f"{name} is a link out of the folder")
    elif not entry.is_file():
        found.faults.append(f"{name} is a link to nothing" if entry.is_symlink() else f"{name} is no regular file")
    else:
        found.images.append(name)


def _name(entry: os.DirEntry[str], found: Contents) -> str:
    return entry.path[len(str(found.root)) :].lstrip("/")


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _one_name(images: list[str]) -> Iterator[str]:
    """Tell of images that differ in their endings alone: one saved in two formats, or with its mask."""
    alike: dict[str, list[str]] = {}
    for image in images:
        alike.setdefault(os.path.splitext(image)[0].casefold(), []).append(image)
    for names in alike.values():
        if len(names) > 1:
            yield f"{' and '.join(names)} have one name: one image twice, or an image and its mask"
