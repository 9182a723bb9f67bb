"""What a process can be caught at: changed global state, opened files, connections."""

import functools
import gc
import hashlib
import logging
import os
import signal
import sys
import sysconfig
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.running.process_state import deciding_state

_SYSTEM = ("/proc/", "/sys/", "/dev/", "/etc/")
_CODE = (".py", ".pyc", ".so", ".dylib")
_CONNECTIONS = ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")


def global_state() -> dict[str, str]:
    """Return what every method shares with the process, by name, as text that tells whether it changed.

    What decides bits is what a run looks at too; the rest would only disturb.
    """
    signals = [str(signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)]
    root = logging.getLogger()
    return {
        **deciding_state(),
        "whether CUDA is in use": str(torch.cuda.is_initialized()),  # type: ignore[no-untyped-call]
        "the environment variables": repr(sorted(os.environ.items())),
        "the signal handlers": repr(signals),
        "the warning filters": hashlib.sha256(repr(warnings.filters).encode()).hexdigest()[:12],
        "logging": repr((logging.root.manager.disable, root.level, root.handlers)),
        "numpy's error handling": repr(np.geterr()),
        "the recursion limit": str(sys.getrecursionlimit()),
        "garbage collection": str((gc.isenabled(), gc.get_threshold())),
        "stdout and stderr": repr((id(sys.stdout), id(sys.stderr))),
    }


@dataclass
class Recorder:
    """Remembers files and connections from Python's audit events, while it is on; hooks cannot be taken back."""

    allowed: tuple[str, ...] = ()
    on: bool = False
    listens: bool = False
    opened: list[str] = field(default_factory=list)
    connected: list[str] = field(default_factory=list)

    def install(self, *folders: Path) -> None:
        """Start listening; files in ``folders``, Python itself, code and the system's own files are not noted."""
        python = (sys.prefix, sys.base_prefix, *sysconfig.get_paths().values())
        self.allowed = (*(f"{folder}{os.sep}" for folder in (*folders, *python)), *_SYSTEM)
        if not self.listens:
            sys.addaudithook(self._hear)
            torch.save = torch.serialization.save = self._audited(torch.serialization.save)
        self.listens = True

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Note what happens while the block runs, and nothing of before."""
        self.opened, self.connected, self.on = [], [], True
        try:
            yield
        finally:
            self.on = False

    def _audited(self, save: Callable[..., None]) -> Callable[..., None]:
        """Return torch.save with the event that it lacks: it opens its file below Python."""

        @functools.wraps(save)
        def audited(obj: Any, f: Any, *arguments: Any, **named: Any) -> None:
            if self.on:
                self._file(f)
            save(obj, f, *arguments, **named)

        return audited

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event == "open":
            self._file(arguments[0])
        elif event in _CONNECTIONS:
            self.connected.append(f"{event} {arguments[1] if event == 'socket.connect' else arguments[0]}")

    def _file(self, given: Any) -> None:
        if not isinstance(given, str | bytes | os.PathLike):
            return  # a file descriptor: its own opening was seen
        path = os.path.abspath(os.fsdecode(given))
        if not path.startswith(self.allowed) and not _is_code(path):
            self.opened.append(path)


def _is_code(path: str) -> bool:
    """Tell whether Python runs the file; outside of site-packages, a .pth file holds weights."""
    installed = path.endswith(".pth") and f"{os.sep}site-packages{os.sep}" in path
    return installed or path.endswith(_CODE) or "__pycache__" in path


RECORDER = Recorder()
"""This process's recorder."""

OUTPUT = ("stdout", "stderr")
"""Files of a check's process that hold what it writes, by Python or below it."""


def output_in(folder: Path) -> str:
    """Return what a process has written to stdout and stderr."""
    return "".join(file.read_text(errors="replace") for name in OUTPUT if (file := folder / name).exists())
