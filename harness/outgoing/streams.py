"""The standard streams of a command without secrets: whoever writes to them, warnings, logs and tracebacks too."""

import os
import sys
from typing import Any, TextIO, cast

from harness.outgoing.secrets import remember_process, without_secrets


class _Guarded:
    """A stream that takes secrets out of what is written to it, and is the ``stream`` that it stands for otherwise."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(without_secrets(text))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def guard_streams() -> None:
    """Remember the secrets of this command and its environment, and let none of them out by stdout or stderr."""
    remember_process(sys.argv[1:], os.environ)
    sys.stdout, sys.stderr = guarded(sys.stdout), guarded(sys.stderr)


def guarded(stream: TextIO) -> TextIO:
    """Return a stream in the place of ``stream``, without secrets."""
    if stream is None or isinstance(stream, _Guarded):  # a closed descriptor has no stream
        return stream
    return cast("TextIO", _Guarded(stream))
