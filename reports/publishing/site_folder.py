"""A folder that several publishers may write to: one at a time, and each thing appears whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from harness.storage.disk import locked, write_through

LOCK = ".harness-publish.lock"
TEMPORARY = ".harness-publishing-"


class Workspace:
    """Writes below ``folder``; ``changes`` counts what it changed. What is there already is left alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.changes = 0
        self._temporary: Path | None = None

    def put(self, path: Path, content: bytes) -> bool:
        """Make ``path`` hold ``content``, by one rename; return whether that changed anything."""
        if path.is_file() and path.read_bytes() == content:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._room() / "file"
        write_through(temporary, content)
        os.replace(temporary, path)
        self.changes += 1
        return True

    def put_folder(self, path: Path, files: Mapping[str, bytes]) -> None:
        """Make a folder that is not there yet, with all its files, by one rename."""
        path.parent.mkdir(parents=True, exist_ok=True)
        # Not the folder of mkdtemp itself, which is its owner's alone.
        temporary = self._room() / "folder"
        temporary.mkdir()
        for name, content in files.items():
            write_through(temporary / name, content)
        os.rename(temporary, path)
        self.changes += 1

    def remove(self, path: Path) -> None:
        """Remove a file."""
        path.unlink()
        self.changes += 1

    def _room(self) -> Path:
        """Return a temporary folder on the file system of ``folder``; made late, so that no change leaves no trace."""
        if self._temporary is None:
            self._temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=self.folder))
        return self._temporary


@contextmanager
def workspace(folder: Path) -> Iterator[Workspace]:
    """Lend ``folder``, made where it is missing; wait while another process publishes to it."""
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / LOCK, waiting=lambda: None):
        try:
            yield Workspace(folder)
        finally:
            _sweep(folder)


def _sweep(folder: Path) -> None:
    """Remove temporary folders: ours, and what a killed publisher left."""
    for left in folder.glob(f"{TEMPORARY}*"):
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
