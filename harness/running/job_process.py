"""A process for each job: started, heard, and ended with all that it left behind, whatever a method does in it."""

import contextlib
import faulthandler
import os
import resource
import signal
import socket
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from harness.children import Child, fork, redirect, settle
from harness.errors import HarnessError, is_out_of_memory, text_of
from harness.planning.plan import Plan
from harness.running.channel import Channel, Line, Weight
from harness.spans import SPANS

Work = Callable[[Plan, Any, Line], None]
"""Does one job and sends its results; defined at a module's top level, so that a spawned process finds it."""

_POLL_S = 0.2
_DYING_S = 5.0
_KEPT = 16_000
"""Characters of what a job's process wrote to stdout and stderr, the last ones; up to 100 calls of a crash fit."""


_LIKELY: dict[int, str] = {
    signal.SIGKILL: ", likely for want of memory",
    signal.SIGSEGV: ", as for a write into the images of a split, which are read-only",
}


@dataclass(frozen=True)
class Task:
    """One job of a plan, and what its process calls first where it comes with nothing loaded."""

    plan: Plan
    job: Any
    work: Work
    prepare: Callable[[Plan], None] | None = None


def forked(task: Task, channel: Channel, output: socket.socket, foreign: list[Any]) -> Child:
    """Start a task in a fork of this process, which has all loaded and never ran a method; it closes ``foreign``."""

    def live() -> None:
        from harness.running.process_state import start_random_states

        for end in foreign:
            end.close()
        start_random_states()
        _live(task, channel, output)

    return fork(live)


def fresh(task: Task, channel: Channel, output: socket.socket, foreign: list[Any]) -> Child:  # noqa: ARG001 - as `forked`
    """Start a task in a new process, where a fork could not use CUDA; only what it is given is open there."""
    process = get_context("spawn").Process(target=_live_fresh, args=(task, channel, output, os.getpid()))
    process.start()
    assert process.pid is not None
    return Child(process.pid)


def _live_fresh(task: Task, channel: Channel, output: socket.socket, parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settle(parent)
    _live(task, channel, output)


def _live(task: Task, channel: Channel, output: socket.socket) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _limit_memory(task.plan.cell_limit.memory)
    redirect(output)
    faulthandler.enable(2)
    warnings.showwarning = lambda message, *_args, **_kwargs: channel.send(("warning", str(message)))
    answer = _answer(task, channel)
    sys.stdout.flush()
    channel.send(("spent", SPANS.sums()), Weight.ASIDE)
    channel.send(answer, Weight.LAST)


def _limit_memory(memory: int | None) -> None:
    """Let an allocation beyond ``memory`` bytes fail; where the machine's own runs out, let the kernel end this one."""
    if memory is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def _answer(task: Task, channel: Channel) -> tuple[str, Any]:
    from harness.storage.store import StageBusy

    try:
        if task.prepare is not None:
            task.prepare(task.plan)
        task.work(task.plan, task.job, channel)
    except StageBusy as busy:
        return "busy", str(busy)
    except HarnessError as error:
        return "error", error
    except BaseException as error:  # a method may raise any, in whatever the harness does with what it yields
        return "died", (reason_of(error), "".join(traceback.format_exception(error)))
    return "done", None


def reason_of(error: BaseException) -> str:
    """Return in words why cells failed."""
    advice = "; use fewer --jobs, a smaller image size or batch" if is_out_of_memory(error) else ""
    return f"{text_of(error)}{advice}"


class JobProcess:
    """A job's process and what it says. ``connection`` is to who gave the job, and hears all of it."""

    def __init__(self, connection: Connection, task: Task, start: Callable[..., Child], limit_s: float) -> None:
        self.connection, self.limit_s = connection, limit_s
        self._line, line = Channel.pair()
        self._output, output = socket.socketpair()
        self._output.setblocking(False)
        self._written = b""
        self._late = False
        self._child = start(task, line, output, [connection, self._line, self._output])
        line.close()
        output.close()

    def run(self) -> None:
        """Pass on what the job says and what it is told, until it ends; then end all that it left behind.

        Its last message comes when its process is gone: ``done``, ``busy``, ``error``, or ``died`` with (reason, what
        it wrote). What it wrote otherwise comes as ``output``. Raises EOFError where the other end of ``connection`` is
        gone.
        """
        try:
            last = self._relay()
            reason = "" if last else self._why()
        finally:
            self._child.end()
            self._hear()
            self._line.close()
            self._output.close()
        written = _readable(self._written)
        if last is None:
            self.connection.send(("died", (reason, written)))
            return
        if written:
            self.connection.send(("output", written))
        self.connection.send_bytes(last)

    def _relay(self) -> bytes | None:
        """Return the job's last message, or None where its process ended without one or was too slow."""
        until = time.monotonic() + self.limit_s
        while time.monotonic() < until:
            ended = self._child.ended  # first, so that nothing is missed of what it said before
            ready = wait([self.connection, self._line.fileno(), self._output], 0 if ended else _POLL_S)
            if self._output in ready and not self._hear():
                time.sleep(_POLL_S)  # it closed its output, which is now always ready
            if self.connection in ready:
                self._line.forward(self.connection.recv_bytes())
            if self._line.fileno() in ready:
                try:
                    arrived = self._line.arrived()
                except EOFError:
                    return None
                for data, weight in arrived:
                    if weight == Weight.LAST:
                        return data
                    self.connection.send_bytes(data)
                    if weight == Weight.RESULT:
                        until = time.monotonic() + self.limit_s
            elif ended:
                return None
        self._late = True
        return None

    def _why(self) -> str:
        """Return in words why there was no last message."""
        if self._late:
            return f"it took more than {self.limit_s:g} s: --cell-limit says how much a cell may take"
        until = time.monotonic() + _DYING_S
        while not self._child.ended and time.monotonic() < until:
            time.sleep(_POLL_S / 20)
        return how_it_died(self._child.code)

    def _hear(self) -> bool:
        """Take in what was written; return False where no more can come."""
        try:
            while data := self._output.recv(1 << 16):
                self._written = (self._written + data)[-4 * _KEPT :]
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False


def how_it_died(exit_code: int | None) -> str:
    """Return in words how a process ended that should not have; None: it has not, but speaks no more."""
    if exit_code is None:
        return "its process closed its line to the harness"
    if exit_code >= 0:
        return f"its process ended with exit code {exit_code} in the middle of the job"
    likely = _LIKELY.get(-exit_code, "")
    return f"its process was killed by signal {-exit_code}{likely}"


def _readable(written: bytes) -> str:
    """Return the end of what was written, without the list of modules that ends Python's words on a crash."""
    lines = written.decode(errors="replace").splitlines()
    return "\n".join(line for line in lines if not line.startswith("Extension modules:"))[-_KEPT:].strip()
