"""Jobs for fresh processes: one fork server a session, started when the first check runs, gone with the session."""

import atexit
import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import MachineError
from harness.testing.case.watchers import output_in
from harness.testing.checks.registry import CheckOutcome
from harness.testing.processes.child import OUTCOMES

_VARIABLES = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
"""Of every check's process: one check compares with another's bits, and with another hash seed."""

_PATIENCE_S = 60.0
"""Time for the server to end what runs, and itself: milliseconds, unless the machine is starved."""

_IMPORTING_S = 5.0
"""The same while it still imports: nothing runs yet, so that it may be killed."""


@dataclass(frozen=True)
class Ended:
    """How a job's process ended: exit code, minus a signal, None where its time was up; what came out; all output."""

    code: int | None
    outcomes: dict[str, CheckOutcome]
    output: str


class ForkClient:
    """A server of fresh processes, and a folder for their store and results."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.folder = Path(tempfile.mkdtemp(prefix="harness-check-"))
        self.server = subprocess.Popen(
            # The other thread of which Python 3.12 warns at a fork is jemalloc's, of pyarrow, which is prepared for it.
            [sys.executable, "-P", "-W", "ignore::DeprecationWarning", "-m", "harness.testing.processes.fork_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for its parent; it ends when its stdin does
            env={**os.environ, **_VARIABLES},
        )
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        self.jobs, self.answers, self.ready = self.server.stdin, self.server.stdout, False
        _OPEN.append(self)
        atexit.register(self.close)

    def do(self, checks: list[str], subject: dict[str, Any], limit_s: float) -> Ended:
        """Run checks of one subject in a fresh process. Raises `MachineError` if the server is gone."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        job = {"checks": checks, "subject": subject, "limit_s": limit_s, "folder": str(folder)}
        try:
            print(json.dumps({**job, "shared": str(self.folder / "store")}), file=self.jobs, flush=True)
            self.ready = self.ready or bool(json.loads(self.answers.readline()))
            code = json.loads(self.answers.readline())
        except BaseException as error:
            self.close()  # after Ctrl-C, or a test whose time was up, the next job must not get this one's answer
            if isinstance(error, BrokenPipeError | json.JSONDecodeError):
                raise MachineError(
                    f"the process that starts checks ended with exit code {self.server.returncode}",
                    fix="look at its message above; is the harness installed in this environment?",
                ) from error
            raise
        file = folder / OUTCOMES
        lines = file.read_text().splitlines() if file.exists() else []
        ended = Ended(code, {name: CheckOutcome(**parts) for name, parts in map(json.loads, lines)}, output_in(folder))
        shutil.rmtree(folder, ignore_errors=True)
        return ended

    def close(self) -> None:
        """End the server and remove its folder; in a forked process, which does not own them, do nothing."""
        if os.getpid() != self.owner:
            return
        if self in _OPEN:
            _OPEN.remove(self)
        _client_of.cache_clear()
        with contextlib.suppress(OSError):
            self.jobs.close()  # on which it kills what runs
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.server.wait(_PATIENCE_S if self.ready else _IMPORTING_S)
        self.server.kill()  # what it forked ends with it
        self.server.wait()
        self.answers.close()
        shutil.rmtree(self.folder, ignore_errors=True)


_OPEN: list[ForkClient] = []


def _let_go() -> None:
    """Close the clients' pipes in a process that was just forked: the server ends when nobody holds their other end."""
    for client in _OPEN:
        client.jobs.close()
        client.answers.close()
    _OPEN.clear()


os.register_at_fork(after_in_child=_let_go)


@functools.cache
def _client_of(process: int) -> ForkClient:  # noqa: ARG001 - a forked process has none yet
    return ForkClient()


def fork_client() -> ForkClient:
    """Return this process's client, started on the first call, and anew after it was closed."""
    return _client_of(os.getpid())
