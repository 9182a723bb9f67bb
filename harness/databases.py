"""SQLite databases that are there whole or not at all."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import make_url

from harness.disk import disk_errors, locked, move


def sqlite_uri(path: Path) -> str:
    """Return the address of an SQLite file, as SQLAlchemy, MLflow and Optuna write it."""
    return f"sqlite:///{path}"


def sqlite_file(uri: str) -> Path | None:
    """Return the file of an SQLite address, None for other addresses and for one in memory."""
    if not uri.startswith("sqlite"):
        return None
    name = make_url(uri).database
    return Path(name).absolute() if name and name != ":memory:" else None


def create_database(uri: str, create: Callable[[str], object]) -> None:
    """Make the SQLite file of ``uri`` where there is none; does nothing for another kind of address.

    ``create`` gets the address of a file that is moved when it is whole: a schema takes seconds, and a process killed
    in the middle would leave a database that nothing opens again. Two first openers wait for each other. Raises
    `MachineError` where the disk fails.
    """
    path = sqlite_file(uri)
    if path is None or path.exists():
        return
    with locked(path.with_suffix(".lock"), waiting=lambda: None):
        if path.exists():
            return
        unfinished = path.with_name(f".{path.name}.part")
        with disk_errors(path):
            for leftover in (unfinished, Path(f"{unfinished}-journal")):
                leftover.unlink(missing_ok=True)
        create(sqlite_uri(unfinished))
        with disk_errors(path):
            move(unfinished, path)
