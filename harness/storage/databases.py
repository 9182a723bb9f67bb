"""Database addresses, and SQLite files that are there whole or not at all."""

import contextlib
import json
import os
import shlex
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from harness.errors import MachineError, UsageError
from harness.storage.disk import disk_errors, locked, move

_SIGNS = frozenset("%?#{}")
_AGAIN = "give the same commands again: what the store has is not computed again"
GARBLED = (UnicodeDecodeError, json.JSONDecodeError)
"""What libraries raise beside their own errors where a bit of a database's text was flipped."""
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
    MLflow makes the folder of the quoted path. Raises `UsageError` for a path that is not UTF-8.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise UsageError(f"{str(path)!a} is not UTF-8, as a database's path must be", fix="use another name") from None
    if _SIGNS.isdisjoint(str(path)):
        return f"sqlite:///{path}"
    return URL.create("sqlite+pysqlite", database=str(path)).render_as_string()


def sqlite_file(uri: str) -> Path | None:
    """Return the file of an SQLite address, None for others, for one in memory and for SQLite's own file:..."""
    if not uri.startswith("sqlite"):
        return None
    name = make_url(uri).database
    return Path(name).absolute() if name and name != ":memory:" and not name.startswith("file:") else None


def create_database(uri: str, create: Callable[[str], object]) -> None:
    """Make the SQLite file of ``uri`` where there is none; does nothing for another kind of address.

    ``create`` gets the address of a file that is moved when it is whole: a schema takes seconds, and a process killed
    in the middle would leave a database that nothing opens again. Two first openers wait for each other. Raises
    `MachineError` where the disk fails, and for an empty file, which was a database and would silently be another.
    """
    path = sqlite_file(uri)
    if path is None or _is_there(path):
        return
    with locked(path.with_suffix(".lock"), waiting=lambda: None):
        if _is_there(path):
            return
        unfinished = path.with_name(f".{path.name}.part")
        with disk_errors(path):
            for leftover in (unfinished, Path(f"{unfinished}-journal")):
                leftover.unlink(missing_ok=True)
        create(sqlite_uri(unfinished))
        with disk_errors(path):
            move(unfinished, path)


def _is_there(path: Path) -> bool:
    if path.is_file() and not path.stat().st_size:
        raise MachineError(f"database {path} is empty", fix=restored(path))
    return path.exists()


def open_database(uri: str) -> None:
    """Open the SQLite file of ``uri`` and close it; MLflow alone would try for minutes. Raises `sqlite3.Error`."""
    path = sqlite_file(uri)
    if path is not None:
        _ask(path, "pragma schema_version")


def local_remedy(uri: str, error: Exception) -> str:
    """Return how to mend the SQLite file of ``uri`` after ``error``; an empty text for another kind of address."""
    path = sqlite_file(uri)
    if path is None:
        return ""
    if "out-of-date database schema" in str(error):
        return f"keep a copy of {path}, then: mlflow db upgrade {shlex.quote(uri)}; or use the version that wrote it"
    if path.is_file() and not os.access(path, os.R_OK | os.W_OK):
        return f"make {path} readable and writable"
    if "no such" in str(error) or isinstance(error, GARBLED) or not _is_sound(path):
        return restored(path)
    return f"check the disk of {path}, and that no other program holds it, and {_AGAIN}"


def restored(path: Path) -> str:
    """Return how to go on where a database is broken or gone."""
    away = " move it away and" if path.exists() else ""
    return f"restore {path} from a copy, or{away} {_AGAIN}"


def _is_sound(path: Path) -> bool:
    try:
        return bool(_ask(path, "pragma quick_check(1)", wait_s=1) == "ok")
    except sqlite3.OperationalError as error:
        return "locked" in str(error)
    except sqlite3.DatabaseError:
        return False


def _ask(path: Path, question: str, wait_s: float = _WAIT_S) -> Any:
    with contextlib.closing(_connected(path, wait_s)) as database:
        return database.execute(question).fetchone()[0]


def change(path: Path, statements: Mapping[str, Sequence[Any]]) -> None:
    """Carry out SQL statements with their values on an SQLite file, all or none. Raises `sqlite3.Error`."""
    with contextlib.closing(_connected(path, _WAIT_S)) as database, database:
        for statement, values in statements.items():
            database.execute(statement, values)


def _connected(path: Path, wait_s: float) -> sqlite3.Connection:
    # Not read-only: after a kill the first to open a database rolls its last transaction back.
    return sqlite3.connect(f"file:{quote(str(path))}?mode=rw", timeout=wait_s, uri=True)


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
