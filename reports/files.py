"""Files that are there whole or not at all."""

import os
import tempfile
from pathlib import Path

__all__ = ["encoded", "replace", "save"]


def encoded(text: str) -> bytes:
    """Return text as UTF-8. Half a surrogate pair, from a file name say, must not cost the whole report."""
    return text.encode("utf-8", "backslashreplace")


def save(path: Path, content: bytes) -> None:
    """Write a file through to the disk."""
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def replace(path: Path, text: str) -> Path:
    """Write ``text`` to ``path`` whole or not at all; return ``path``."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    try:
        save(Path(temporary), encoded(text))
        # mkstemp's file is its owner's alone; a report is for the team.
        Path(temporary).chmod(0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path
