"""What a plugin's process does: it imports the plugin, and answers what it is asked until its parent is gone."""

import contextlib
import faulthandler
import functools
import pickle
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterable
from typing import Any

from harness.children import redirect
from harness.errors import UsageError, text_of
from harness.plugins import Plugin

NOT_IMPORTED, NOT_ASKED = "cannot be imported", "cannot be asked"

_HEADER = struct.Struct("!Q")
_CHUNK = 1 << 16
_inside = False


def inside() -> bool:
    """Return whether this process is a plugin's."""
    return _inside


def fault(plugin: Plugin, what: str, why: str) -> UsageError:
    """Return the error that a plugin cannot be imported, or asked, and why."""
    return UsageError(
        f"plugin {plugin.name!r} of {plugin.source} {what} from {plugin.entry_point.value}: {why}",
        fix=f"mend or uninstall {plugin.distribution}; `harness list --check` tries all",
    )


def framed(message: bytes) -> bytes:
    """Return a message as it is sent: after its length."""
    return _HEADER.pack(len(message)) + message


def whole(data: bytes) -> bytes | None:
    """Return the message that has come, or None where there is only a part of it."""
    if len(data) < _HEADER.size:
        return None
    end = _HEADER.size + _HEADER.unpack_from(data)[0]
    return data[_HEADER.size : end] if len(data) >= end else None


def serve(plugin: Plugin, line: socket.socket, output: socket.socket, foreign: Iterable[socket.socket]) -> None:
    """Import the plugin and answer on ``line``; what it writes goes to ``output``, and ``foreign`` is closed."""
    global _inside
    _inside = True
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for end in foreign:
        end.close()
    redirect(output)
    faulthandler.disable()
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)  # no fork keeps the threads of its parent
    _answer(line, plugin, NOT_IMPORTED, lambda: bool([plugin.load()]))
    while (question := _question(line)) is not None:
        (module, name), inputs, named = pickle.loads(question)  # noqa: S301 - of our own parent
        function = getattr(sys.modules[module], name)
        _answer(line, plugin, NOT_ASKED, functools.partial(function, *inputs, **named))


def _question(line: socket.socket) -> bytes | None:
    data = b""
    while (question := whole(data)) is None:
        part = line.recv(_CHUNK)
        if not part:
            return None
        data += part
    return question


def _answer(line: socket.socket, plugin: Plugin, what: str, work: Callable[[], Any]) -> None:
    """Send what ``work`` returns, or the `UsageError` that it ends in; ``what`` it is if it ends in any other."""
    try:
        data = pickle.dumps(work())
    except UsageError as error:
        data = pickle.dumps(error)
    except BaseException as error:  # whatever it raises is its own
        data = pickle.dumps(fault(plugin, what, text_of(error)))
    with contextlib.suppress(Exception):  # it may have put anything there
        sys.stdout.flush()
    line.sendall(framed(data))
