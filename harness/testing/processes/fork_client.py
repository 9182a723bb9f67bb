"""Jobs for fresh processes: one nursery a session, started when the first check runs, gone with the session."""

import atexit
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from harness.errors import MachineError

_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

HASH_SEED = "0"
"""PYTHONHASHSEED of every check's process; one check compares with another."""

_PATIENCE_S = 5.0
"""Time for the server to end by itself; it needs more only while it still imports, and then nothing runs."""


class Nursery:
    """A server of fresh processes with a folder for their store and results."""

    def __init__(self, hash_seed: str = HASH_SEED) -> None:
        self.owner = os.getpid()
        self.folder = Path(tempfile.mkdtemp(prefix="harness-check-"))
        self.server = subprocess.Popen(
            [sys.executable, "-P", "-m", "harness.testing.processes.fork_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for its parent; it ends when its stdin does
            env={**os.environ, **_ENVIRONMENT, "PYTHONHASHSEED": hash_seed},
        )

    def do(self, job: dict[str, Any], limit_s: float) -> dict[str, Any]:
        """Run a job in a fresh process; return {"ended", "result", "output"}. Raises `MachineError` if that fails."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        sent = {**job, "shared": str(self.folder / "store"), "folder": str(folder), "limit_s": limit_s}
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        try:
            print(json.dumps(sent), file=self.server.stdin, flush=True)
            answer = self.server.stdout.readline()
        except BrokenPipeError:
            answer = ""
        shutil.rmtree(folder, ignore_errors=True)
        if not answer:
            raise MachineError(
                f"the process that starts checks ended with exit code {self.server.wait()}",
                fix="look at its message above; is the harness installed in this environment?",
            )
        found: dict[str, Any] = json.loads(answer)
        return found

    def close(self) -> None:
        """End the server and remove its folder; in a forked process, which does not own them, do nothing."""
        if os.getpid() != self.owner:
            return
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        with contextlib.suppress(OSError):
            self.server.stdin.close()  # on which it kills what runs
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.server.wait(_PATIENCE_S)
        self.server.kill()
        self.server.wait()
        self.server.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)


_nursery: Nursery | None = None


def nursery() -> Nursery:
    """Return this process's nursery, started on the first call."""
    global _nursery
    if _nursery is None or _nursery.server.poll() is not None or _nursery.owner != os.getpid():
        if _nursery is not None:
            _nursery.close()
        _nursery = Nursery()
        atexit.register(_nursery.close)
    return _nursery
