"""Who is alive: a lock that a process holds while it has trials in hand, and that the kernel frees when it dies."""

import contextlib
import fcntl
import socket
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from harness.storage.disk import disk_errors

SILENT_S = 600.0
"""Seconds without a sign of life after which another store's process is taken for dead."""


class Lease:
    """One process's lock file in ``folder``, named by its ``token``; held for the length of a with block."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = f"{socket.gethostname()}-{uuid.uuid4().hex[:12]}"
        self._held = contextlib.ExitStack()

    def __enter__(self) -> "Lease":
        path = self.folder / self.token
        with disk_errors(path):
            self.folder.mkdir(parents=True, exist_ok=True)
            file = self._held.enter_context(open(path, "x"))
            fcntl.flock(file, fcntl.LOCK_EX)
        return self

    def __exit__(self, kind: type | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        if kind is None:  # after an error a trial may be left running: its lock, free, tells that its holder is gone
            (self.folder / self.token).unlink(missing_ok=True)
        self._held.close()

    def holder_is_alive(self, token: str) -> bool | None:
        """Return whether the process that holds ``token`` lives; None where its lock is not in this folder."""
        try:
            with open(self.folder / Path(token).name, "r+") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return None
        return False

    def is_orphan(self, claim: Mapping[str, Any] | None) -> bool:
        """Return whether the process is dead that has a trial, by its ``claim`` (owner, alive: seconds since 1970).

        Where its lock is not in this folder it is another store's, and dead after ten silent minutes. One without a
        claim died between two writes; where another store's is there just now, that one begins another trial.
        """
        if claim is None:
            return True
        alive = self.holder_is_alive(claim["owner"])
        return time.time() - float(claim["alive"]) > SILENT_S if alive is None else not alive
