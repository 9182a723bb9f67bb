"""The versions of one published page: folders that stay as they were published."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.reports.export.results_json import load_document
from harness.reports.formatting import percent

FILES = ("index.html", "cells.csv", "results.json")
FOLDER = "versions"
ID = re.compile(r"(\d{4}-\d\d-\d\d|undated)-[0-9a-f]{8}")
CHANGES_NAMED = 4
"""So many added or removed things are named, more are counted."""


@dataclass(frozen=True)
class Version:
    """One version that is there whole; ``document`` is its results.json."""

    folder: Path
    document: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Return its id, which is its folder's name."""
        return self.folder.name

    @property
    def date(self) -> str:
        """Return the day of its newest result."""
        return str(self.document["newest_result"] or "undated")[:10]


def versions_of(page: Path) -> tuple[Version, ...]:
    """Return the versions of a page that are there whole, oldest first. Raises `UsageError` as `load_document` does."""
    found = []
    for folder in sorted((page / FOLDER).glob("*")):
        whole = ID.fullmatch(folder.name) and all((folder / name).is_file() for name in FILES)
        document = load_document(folder / "results.json") if whole else None
        if document is not None and document.get("id") == folder.name:
            found.append(Version(folder, document))
    return tuple(sorted(found, key=_age))


def _age(version: Version) -> tuple[str, int, str]:
    # Of two versions of one moment, the one with more cells is taken for the later.
    return str(version.document["newest_result"] or ""), len(version.document["cells"]), version.id


def with_changes(found: Iterable[Version]) -> list[tuple[Version, str]]:
    """Return each version with what is different from the one before, in the order given (oldest first)."""
    pairs, before = [], None
    for version in found:
        pairs.append((version, "" if before is None else changes_between(before.document, version.document)))
        before = version
    return pairs


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Return in one line what ``after`` has more, less or otherwise than ``before``."""
    parts = []
    for what, show in SHOWN.items():
        had, has = (dict.fromkeys(cell[what] for cell in one["cells"]) for one in (before, after))
        parts += _differences(WORDS[what], "added", [show(name) for name in has if name not in had])
        parts += _differences(WORDS[what], "removed", [show(name) for name in had if name not in has])
    old, new = (_by_key(one["cells"]) for one in (before, after))
    other = sum(new[key] != old[key] for key in new.keys() & old.keys())
    if not parts:  # with an entry or a level, cells come and go anyway
        counts = {"added": len(new.keys() - old.keys()), "removed": len(old.keys() - new.keys())}
        parts = [f"cells {what}: {number}" for what, number in counts.items() if number]
    parts += [f"cells with other results: {other}"] if other else []
    return "; ".join(parts) or "other facts about the same cells"


SHOWN: Mapping[str, Callable[[Any], str]] = {
    "entry": str,
    "seed": str,
    "density": percent,
    "group": str,
}
WORDS = {
    "entry": ("entry", "entries"),
    "seed": ("seed", "seeds"),
    "density": ("level", "levels"),
    "group": ("group", "groups"),
}


def _differences(words: tuple[str, str], what: str, names: list[str]) -> list[str]:
    if not names:
        return []
    word = words[len(names) > 1]
    return [f"{len(names)} {word} {what}" if len(names) > CHANGES_NAMED else f"{word} {what}: {', '.join(names)}"]


def _by_key(cells: Iterable[Mapping[str, Any]]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Return status, reason and metrics of each cell; not its run, which changes when results move house."""
    return {
        tuple(cell[name] for name in ("group", "entry", "seed", "density")): (
            cell["status"],
            cell["reason"],
            cell["metrics"],
        )
        for cell in cells
    }
