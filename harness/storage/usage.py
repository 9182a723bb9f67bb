"""How large a store is, by kind of stage; and evicting the least recently used."""

import contextlib
import os
import re
import shutil
from collections import defaultdict
from pathlib import Path

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


def usage_lines(root: Path) -> list[str]:
    """Return the store's stages by kind with counts and sizes, and the rest of its folder."""
    store = Store(root)
    counts: dict[str, int] = defaultdict(int)
    sizes: dict[str, int] = defaultdict(int)
    for folder, kind in store.folders():
        counts[kind] += 1
        sizes[kind] += folder_bytes(folder)
    total = folder_bytes(root)
    lines = [f"Store {root.absolute()}: {shown(total)}"]
    lines += [f"  {kind:<12} {counts[kind]:>6} stages  {shown(sizes[kind]):>9}" for kind in sorted(counts)]
    lines.append(
        f"  {'unfinished':<12} {len(list(store.partial.iterdir())):>6} stages  {shown(folder_bytes(store.partial)):>9}"
    )
    rest = total - sum(sizes.values()) - folder_bytes(store.partial)
    lines.append(f"  {'MLflow, reports, locks':<26}  {shown(rest):>9}")
    return lines


def evict(root: Path, size: str) -> str:
    """Remove least recently used stages until stages take at most ``size``; return what was done.

    Published results stay. An evicted stage is computed again when it is needed. Raises `UsageError` for a size that
    cannot be read.
    """
    limit = _bytes(size)
    store = Store(root)
    folders = sorted((folder.stat().st_mtime, folder) for folder, _ in store.folders())
    sizes = {folder: folder_bytes(folder) for _, folder in folders}
    total, removed = sum(sizes.values()), 0
    for _, folder in folders:
        if total <= limit:
            break
        trash = store.temporary(folder.name)
        with contextlib.suppress(FileNotFoundError):  # another process may evict too
            os.rename(folder, trash)  # at once, so that a reader finds the stage whole or not at all
        shutil.rmtree(trash, ignore_errors=True)
        total -= sizes[folder]
        removed += 1
    return f"Evicted {removed} stages; {shown(total)} of stages left."


def _bytes(text: str) -> int:
    match = re.fullmatch(r"\s*([0-9]{1,15}(?:\.[0-9]{1,15})?)\s*([KMGT]?B?)\s*", text.upper())
    unit = match[2] if match else "?"
    unit = unit + "B" if unit in ("K", "M", "G", "T") else "" if unit == "B" else unit
    if match is None or unit not in _UNITS:
        raise UsageError(f"cannot read the size {text!r}", fix="write for example 2GB or 500MB")
    return int(float(match[1]) * _UNITS[unit])
