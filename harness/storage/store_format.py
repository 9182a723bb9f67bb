"""The format of a store, which its folder names; read without what computes."""

from pathlib import Path

from harness.errors import StoreError
from harness.storage.disk import write_whole

STORE_FORMAT = "1"


def check_format(root: Path) -> None:
    """Raise `StoreError` for the store of another version; a folder without a format is given this one's."""
    path = root / "FORMAT"
    found = path.read_text("utf-8", errors="replace").strip() if path.exists() else ""
    if not found:  # absent, or emptied as a full disk does
        write_whole(path, STORE_FORMAT.encode())
    elif found != STORE_FORMAT:
        raise StoreError(
            f"store {root} has format {found}, this version reads format {STORE_FORMAT}",
            fix="choose another folder with --store, or install the version that wrote it",
        )
