"""A third party's plugin, imported and asked in a process of its own: what it does to its process nothing else has."""

import atexit
import contextlib
import functools
import io
import os
import pickle
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from harness import plugins
from harness.children import fork
from harness.errors import UsageError, text_of
from harness.plugin_child import NOT_ASKED, NOT_IMPORTED, fault, framed, inside, serve, whole
from harness.plugins import PRUNERS, Plugin

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")

LIMIT_S = 60.0
"""Seconds that a plugin may take to be imported, and for each answer."""

_CHUNK = 1 << 16
_POLL_S = 0.2
_DYING_S = 1.0
_SHOWN = 300


def of_its_plugin(function: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
    """Have a function, whose first argument is a method's name, run where that method may be imported.

    Here for the harness's own methods, in its plugin's process for another's. What goes in and out is plain: texts,
    numbers, objects of the harness. Raises `UsageError` also where a plugin cannot be asked.
    """

    @functools.wraps(function)
    def asks(*inputs: Asked.args, **named: Asked.kwargs) -> Answer:
        plugin = plugins.available(PRUNERS).get(str(inputs[0]))
        if plugin is None:  # unknown, or the dense reference
            return function(*inputs, **named)
        return ask(plugin, function, *inputs, **named)

    return asks


def ask(plugin: Plugin, question: Callable[Asked, Answer], *inputs: Asked.args, **named: Asked.kwargs) -> Answer:
    """Return ``question(*inputs)``, from the plugin's process unless the plugin is the harness's own."""
    if inside() or plugin.is_ours:
        return question(*inputs, **named)
    place = question.__module__, question.__qualname__
    answer: Answer = process_of(plugin).answer(pickle.dumps((place, inputs, named)))
    return answer


class PluginProcess:
    """The process that has a plugin imported. It is asked one thing at a time, and stands still in between.

    Every answer is kept: the same question has the same answer for as long as this process lives.
    """

    def __init__(self, plugin: Plugin) -> None:
        """Start it and wait for the import; a plugin that cannot be imported refuses every question."""
        self.plugin = plugin
        self._answers: dict[bytes, bytes] = {}
        self._broken: UsageError | None = None
        self._written = b""
        self._line, line = socket.socketpair()
        self._output, output = socket.socketpair()
        foreign = [end for one in [self, *_processes.values()] for end in (one._line, one._output)]
        self._child = fork(lambda: serve(plugin, line, output, foreign))
        line.close()
        output.close()
        try:
            self._opened(self._heard(NOT_IMPORTED))
        except UsageError as error:
            self._broken = error
            self.end()
        except BaseException:  # the command is stopped
            self.end()
            raise

    def answer(self, question: bytes) -> Any:
        """Return the answer to a pickled (function's place, positional, named). Raises `UsageError`."""
        if question not in self._answers:
            if self._broken is not None:
                raise pickle.loads(pickle.dumps(self._broken))  # noqa: S301 - our own; anew, without a traceback
            try:
                self._answers[question] = self._asked(question)
            except UsageError as error:
                self._broken = error
                self.end()
                raise
        return self._opened(self._answers[question])

    def end(self) -> None:
        """End it, and all that it started; what it has answered stays."""
        self._child.end()
        self._line.close()
        self._output.close()

    def _asked(self, question: bytes) -> bytes:
        with contextlib.suppress(OSError):  # it is dead, which hearing nothing tells
            os.killpg(self._child.pid, signal.SIGCONT)
            self._line.settimeout(LIMIT_S)
            self._line.sendall(framed(question))
        return self._heard(NOT_ASKED)

    def _heard(self, what: str) -> bytes:
        """Return its next message, and let it stand still. Raises `UsageError` where there is none in time."""
        until, data = time.monotonic() + LIMIT_S, b""
        while (message := whole(data)) is None:
            ended = self._child.ended  # first, so that nothing is missed of what it said before
            ready = select.select([self._line, self._output], [], [], 0 if ended else _POLL_S)[0]
            if self._output in ready:
                self._written = (self._written + _read(self._output))[-_CHUNK:]
            part = _read(self._line) if self._line in ready else b""
            data += part
            if not part and (ended or self._line in ready):
                raise self._fault(what, self._why())
            if time.monotonic() > until:
                raise self._fault(what, f"it took more than {LIMIT_S:g} s")
        if sys.platform == "linux":  # elsewhere it watches its parent by itself, and must run for that
            with contextlib.suppress(OSError):
                os.killpg(self._child.pid, signal.SIGSTOP)
        return message

    def _opened(self, answer: bytes) -> Any:
        """Return what an answer holds. Raises the `UsageError` that it is, or that it is none to be read."""
        try:
            value = _Plain(io.BytesIO(answer)).load()
        except Exception as error:  # it may have written anything there
            raise self._fault(NOT_ASKED, text_of(error)) from None
        if isinstance(value, UsageError):
            raise value
        return value

    def _why(self) -> str:
        """Return in words why no message can come any more."""
        until = time.monotonic() + _DYING_S
        while not self._child.ended and time.monotonic() < until:
            time.sleep(_POLL_S / 10)
        code = self._child.code
        if code is None:
            return "its process closed its line to the harness"
        return f"its process ended with {f'exit code {code}' if code >= 0 else f'signal {-code}'}"

    def _fault(self, what: str, why: str) -> UsageError:
        said = self._written.decode(errors="replace").strip()[-_SHOWN:]
        return fault(self.plugin, what, f"{why}; it wrote: {said}" if said else why)


_processes: dict[Plugin, PluginProcess] = {}


def process_of(plugin: Plugin) -> PluginProcess:
    """Return the plugin's process, started at the first question of all."""
    if plugin not in _processes:
        _processes[plugin] = PluginProcess(plugin)
    return _processes[plugin]


@atexit.register
def end_all() -> None:
    """End all plugins' processes."""
    while _processes:
        _processes.popitem()[1].end()


def _read(end: socket.socket) -> bytes:
    """Return what has come; nothing where nothing more can, after a moment, since it is ready for ever then."""
    with contextlib.suppress(ConnectionError):
        if data := end.recv(_CHUNK):
            return data
    time.sleep(_POLL_S / 10)
    return b""


class _Plain(pickle.Unpickler):
    """Reads answers, and imports nothing for one: only what is the harness's or Optuna's ranges has a class."""

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("harness.") or module == "optuna.distributions":
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it answers with a {module}.{name}, which is no text, number or boolean")
