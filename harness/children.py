"""Child processes for one piece of work: they end with their parent, and what they start ends with them."""

import contextlib
import ctypes
import json
import os
import signal
import socket
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

_PR_SET_PDEATHSIG = 1
_WATCH_S = 0.5


@dataclass
class Child:
    """A process that this one started and nobody else waits for; ``code`` is its exit code, minus a signal, once known.

    It leads a group of its own, see `settle`.
    """

    pid: int
    code: int | None = None

    @property
    def ended(self) -> bool:
        """Whether it has ended by itself."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code is not None

    def end(self) -> int:
        """Kill it and all of its group, and return its exit code."""
        if not self.ended:
            os.kill(self.pid, signal.SIGKILL)
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)  # whatever it left behind
        assert self.code is not None
        return self.code


def fork(live: Callable[[], None]) -> Child:
    """Return a fork of this process that runs ``live`` and ends; for a process that has started no thread."""
    parent = os.getpid()
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # of jemalloc's thread, of pyarrow, which is prepared for it
        pid = os.fork()
    if pid == 0:
        _be_child(live, parent)
    return Child(pid)


def apart(question: Callable[[], Any]) -> Any:
    """Return a question's answer in a fork, a JSON value; None where it ends without one."""
    ours, theirs = os.pipe()

    def live() -> None:
        os.write(theirs, json.dumps(question()).encode())

    child = fork(live)
    os.close(theirs)
    with open(ours, "rb") as file:
        answer = file.read()
    child.end()
    return json.loads(answer) if answer else None


def _be_child(live: Callable[[], None], parent: int) -> NoReturn:
    code = 1
    try:
        settle(parent)
        live()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def settle(parent: int) -> None:
    """Lead a session of its own, out of reach of a terminal's Ctrl-C, and end when ``parent`` does, however it ends."""
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # also while a library holds Python's lock
    else:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it ended before it could be watched
        os._exit(1)


def redirect(output: socket.socket) -> None:
    """Give this process no input, and let all that it writes, by Python or below it, go to ``output``."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number in (1, 2):
        os.dup2(output.fileno(), number)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", 1, errors="replace", closefd=False) for number in (1, 2))


def _end_after(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_WATCH_S)
    os._exit(1)
