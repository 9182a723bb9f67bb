"""Database addresses, and SQLite files that are there whole or not at all."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from harness.errors import UsageError
from harness.storage.disk import disk_errors, locked, move

_SIGNS = frozenset("%?#{}")
_WAIT_S = 60
_CONNECT_S = 10
_TIMED_DRIVERS = {
    *("postgresql", "postgresql+psycopg2", "postgresql+psycopg"),
    *("mysql", "mysql+mysqldb", "mysql+pymysql", "mariadb+pymysql"),
}
"""Drivers whose connections know `connect_timeout`."""


def sqlite_uri(path: Path) -> str:
    """Return the address of an SQLite file, as SQLAlchemy, MLflow and Optuna write it.

    A path with a sign that means something to one of them is quoted, with the driver named: for an address without it
    MLflow makes the folder of the quoted path.
    """
    if _SIGNS.isdisjoint(str(path)):
        return f"sqlite:///{path}"
    return URL.create("sqlite+pysqlite", database=str(path)).render_as_string()


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


def checked_address(uri: str) -> str:
    """Return a database address as it is. Raises `UsageError`, which does not repeat it, where it is none."""
    try:
        make_url(uri)
    except (ArgumentError, ValueError) as error:
        raise UsageError(
            "--storage is not a database address",
            fix="write sqlite:///studies.db or postgresql://user@host/name",
        ) from error
    return uri


def engine_options(uri: str) -> dict[str, Any]:
    """Return SQLAlchemy's options under which a busy file is waited for, and a silent server is not."""
    driver = make_url(uri).drivername
    if driver.startswith("sqlite"):
        return {"connect_args": {"timeout": _WAIT_S}}
    if driver in _TIMED_DRIVERS:
        return {"connect_args": {"connect_timeout": _CONNECT_S}, "pool_pre_ping": True}
    return {"pool_pre_ping": True}
