"""The stages of a store as files: kind, size and last use of each. One pass, since there may be 100,000 of them."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

UNREADABLE = "unreadable"
_MANIFEST = "manifest.json"
_LONGEST = 2**24


class StageSize(NamedTuple):
    """One stage: its folder, kind, the bytes of its files, and when it was last used, in seconds since 1970."""

    folder: str
    kind: str
    bytes: int
    used: float


def stage_sizes(root: Path) -> Iterator[StageSize]:
    """Yield every committed stage of the store at ``root``; one that is evicted meanwhile may be left out."""
    for group in _folders(str(root / "stages")):
        for stage in _folders(group.path):
            try:
                used = stage.stat(follow_symlinks=False).st_mtime
                size = folder_bytes(stage.path)
            except FileNotFoundError:
                continue
            yield StageSize(stage.path, _kind(stage.path), size, used)


def folder_bytes(folder: str | Path) -> int:
    """Return the bytes of all files below ``folder``, what vanishes meanwhile left out."""
    total = 0
    try:
        for entry in os.scandir(folder):
            total += folder_bytes(entry.path) if entry.is_dir() else entry.stat().st_size
    except FileNotFoundError:
        pass
    return total


def _folders(place: str) -> list[os.DirEntry[str]]:
    return [entry for entry in os.scandir(place) if entry.is_dir()] if os.path.isdir(place) else []


def _kind(folder: str) -> str:
    try:
        manifest = os.open(f"{folder}/{_MANIFEST}", os.O_RDONLY)  # a file object costs as much as all the rest
        try:
            return str(json.loads(os.read(manifest, _LONGEST)).get("kind", UNREADABLE))
        finally:
            os.close(manifest)
    except (OSError, ValueError, AttributeError):
        return UNREADABLE
