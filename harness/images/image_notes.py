"""What libraries warn of while they decode a set, told once for each kind of warning, with a file's name."""

import re
from collections.abc import Iterable
from pathlib import Path

_KINDS_TOLD = 20
_NUMBER = re.compile(r"\d+")


class ImageNotes:
    """Collects warnings by file; those that differ in numbers alone are of one kind."""

    def __init__(self) -> None:
        self._files: dict[str, list[Path]] = {}
        self._first: dict[str, str] = {}

    def add(self, path: Path, warnings: Iterable[str]) -> None:
        """Note what a library warned of at ``path``."""
        for text in warnings:
            kind = _NUMBER.sub("#", text)
            self._first.setdefault(kind, " ".join(text.split()))
            files = self._files.setdefault(kind, [])
            if path not in files[-1:]:
                files.append(path)

    def lines(self) -> list[str]:
        """Return a sentence for each kind of warning, with its first file and how many more there are."""
        told = []
        for kind, files in list(self._files.items())[:_KINDS_TOLD]:
            others = f" (and {len(files) - 1} more images)" if len(files) > 1 else ""
            told.append(f"{files[0]}{others}: {self._first[kind]}")
        hidden = len(self._files) - len(told)
        return [*told, *([f"and {hidden} other kinds of warnings"] if hidden > 0 else [])]
