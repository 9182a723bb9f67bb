"""How large a store is, by kind of stage; and evicting the least recently used."""

import contextlib
import os
import re
import shutil
from collections import defaultdict
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import UsageError
from harness.storage.disk import machine
from harness.storage.layout import FINISHED, UNSHARED
from harness.storage.stage_sizes import folder_bytes, stage_sizes
from harness.storage.store_format import check_format

_UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def shown(size: int) -> str:
    """Return bytes as kB, MB or GB, three significant digits."""
    for unit, scale in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= 0.9995 * scale:  # what three digits round up to 1000 of the next smaller unit
            return f"{size / scale:.3g} {unit}"
    return f"{size} B"


class Held(NamedTuple):
    """So many stages, and the bytes of their files."""

    stages: int
    bytes: int


class Usage(NamedTuple):
    """What a store's folder holds: its stages by kind, unfinished ones, and the ``rest``: MLflow, reports, locks."""

    store: Path
    bytes: int
    kinds: dict[str, Held]
    unfinished: Held
    rest: int

    def lines(self) -> list[str]:
        """Return it for a person."""
        lines = [f"Store {self.store}: {shown(self.bytes)}"]
        for kind, held in {**self.kinds, "unfinished": self.unfinished}.items():
            lines.append(f"  {kind:<12} {held.stages:>6} stages  {shown(held.bytes):>9}")
        return [*lines, f"  {'MLflow, reports, locks':<26}  {shown(self.rest):>9}"]

    def values(self) -> dict[str, Any]:
        """Return it as JSON values."""
        kinds = {kind: held._asdict() for kind, held in self.kinds.items()}
        return {**self._asdict(), "store": str(self.store), "kinds": kinds, "unfinished": self.unfinished._asdict()}


class Evicted(NamedTuple):
    """So many stages were removed, and so many bytes of stages are left."""

    stages: int
    left: int

    def __str__(self) -> str:
        """Return it for a person."""
        return f"Evicted {self.stages} stages; {shown(self.left)} of stages left."


def usage(root: Path) -> Usage:
    """Return what the folder of a store holds."""
    check_format(root)
    sizes: dict[str, list[int]] = defaultdict(list)
    for stage in stage_sizes(root):
        sizes[stage.kind].append(stage.bytes)
    kinds = {kind: Held(len(sizes[kind]), sum(sizes[kind])) for kind in sorted(sizes)}
    partial = root / "partial"
    unfinished = Held(len(os.listdir(partial)) if partial.is_dir() else 0, folder_bytes(partial))
    committed = sum(held.bytes for held in kinds.values())
    rest = sum(_bytes_of(entry) for entry in os.scandir(root) if entry.name not in ("stages", "partial"))
    return Usage(root.absolute(), committed + unfinished.bytes + rest, kinds, unfinished, rest)


def _bytes_of(entry: os.DirEntry[str]) -> int:
    return folder_bytes(entry.path) if entry.is_dir() else entry.stat().st_size


def evict(root: Path, size: str) -> Evicted:
    """Remove least recently used stages until stages take at most ``size``; return what was done.

    A stage is used when it is committed and whenever it is read. Published results stay, and so do unfinished stages
    and those that object storage has not got yet. An evicted stage is computed again when it is needed, or fetched from
    the object storage that the store mirrors, where nothing is removed. Raises `UsageError` for a size that cannot be
    read.
    """
    limit = _bytes(size)
    check_format(root)
    stages = sorted(stage_sizes(root), key=attrgetter("used", "folder"))
    total, removed = sum(stage.bytes for stage in stages), 0
    kept = {*os.listdir(root / UNSHARED)} if (root / UNSHARED).is_dir() else set()
    for stage in stages:
        if total <= limit:
            break
        if Path(stage.folder).name in kept:
            continue
        _remove(root, Path(stage.folder))
        total -= stage.bytes
        removed += 1
    if removed:
        shutil.rmtree(root / FINISHED, ignore_errors=True)  # each rests on all of its stages; a replay writes it anew
    return Evicted(removed, total)


def _remove(root: Path, folder: Path) -> None:
    trash = root / "temporary" / f"{folder.name}.{machine()}-{os.getpid()}"
    trash.parent.mkdir(exist_ok=True)
    with contextlib.suppress(FileNotFoundError):  # another process may evict too
        os.rename(folder, trash)  # at once, so that a reader finds the stage whole or not at all
    shutil.rmtree(trash, ignore_errors=True)


def _bytes(text: str) -> int:
    match = re.fullmatch(r"\s*([0-9]{1,15}(?:\.[0-9]{1,15})?)\s*([KMGT]?B?)\s*", text.upper())
    unit = match[2] if match else "?"
    unit = unit + "B" if unit in ("K", "M", "G", "T") else "" if unit == "B" else unit
    if match is None or unit not in _UNITS:
        raise UsageError(f"cannot read the size {text!r}", fix="write for example 2GB or 500MB")
    return int(float(match[1]) * _UNITS[unit])
