"""How large a store is, by kind of stage; and evicting the least recently used."""

import contextlib
import os
import re
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import UsageError
from harness.storage.store import Store

_UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def folder_bytes(folder: Path) -> int:
    """Return the bytes of all files below ``folder``."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


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
    store = Store(root)
    sizes: dict[str, list[int]] = defaultdict(list)
    for folder, kind in store.folders():
        sizes[kind].append(folder_bytes(folder))
    kinds = {kind: Held(len(sizes[kind]), sum(sizes[kind])) for kind in sorted(sizes)}
    unfinished = Held(len(list(store.partial.iterdir())), folder_bytes(store.partial))
    total = folder_bytes(root)
    rest = total - sum(held.bytes for held in kinds.values()) - unfinished.bytes
    return Usage(root.absolute(), total, kinds, unfinished, rest)


def evict(root: Path, size: str) -> Evicted:
    """Remove least recently used stages until stages take at most ``size``; return what was done.

    Published results stay. An evicted stage is computed again when it is needed, or fetched from the object storage
    that the store mirrors, where nothing is removed. Raises `UsageError` for a size that cannot be read.
    """
    limit = _bytes(size)
    store = Store(root)
    folders = sorted((folder.stat().st_mtime, folder) for folder, _ in store.folders())
    sizes = {folder: folder_bytes(folder) for _, folder in folders}
    total, removed = sum(sizes.values()), 0
    kept = {*store.shared.waiting()} if store.shared else set()
    for _, folder in folders:
        if total <= limit:
            break
        if folder.name in kept:
            continue
        trash = store.temporary(folder.name)
        with contextlib.suppress(FileNotFoundError):  # another process may evict too
            os.rename(folder, trash)  # at once, so that a reader finds the stage whole or not at all
        shutil.rmtree(trash, ignore_errors=True)
        total -= sizes[folder]
        removed += 1
    return Evicted(removed, total)


def _bytes(text: str) -> int:
    match = re.fullmatch(r"\s*([0-9]{1,15}(?:\.[0-9]{1,15})?)\s*([KMGT]?B?)\s*", text.upper())
    unit = match[2] if match else "?"
    unit = unit + "B" if unit in ("K", "M", "G", "T") else "" if unit == "B" else unit
    if match is None or unit not in _UNITS:
        raise UsageError(f"cannot read the size {text!r}", fix="write for example 2GB or 500MB")
    return int(float(match[1]) * _UNITS[unit])
