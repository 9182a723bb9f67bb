"""The node's side of a cluster: a worker process, and who passes on what it says. Travels there as it is.

Only Python's own library is imported, so that a node without the harness can say so. What the cluster's software is
never comes into the worker's process, which is the same as on one machine.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from multiprocessing import Pipe

Heard = tuple[str, list[bytes], tuple[int, str] | None]
"""The node's id, pickled (kind, payload), and, once the worker's process has ended, its exit code and last words."""

WORKER = "harness.running.executors.node_worker"


class Host:
    """One worker process of this node; ``order`` is what it is told first, see `node_worker`."""

    every_s = 0.2
    """Least time between two answers of `hear`: what comes meanwhile goes together."""
    hear_s = 20.0
    stop_s = 5.0
    kept = 4000

    def __init__(self, order: list[bytes], variables: dict[str, str]) -> None:
        self._connection, theirs = Pipe()
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", WORKER, str(theirs.fileno()), str(os.getpid())],
            env={**inherited, **variables},
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self._words,
            stderr=self._words,
        )
        theirs.close()
        self._heard = 0.0
        with contextlib.suppress(OSError):  # it has ended already, which `hear` tells
            for part in order:
                self._connection.send_bytes(part)

    def node(self) -> str:
        """Return the id of the node."""
        return ""

    def hear(self) -> Heard:
        """Return what the worker says, once it says anything; nothing where it is silent for long."""
        messages: list[bytes] = []
        try:
            if self._connection.poll(self.hear_s):
                time.sleep(max(self._heard + self.every_s - time.monotonic(), 0.0))
            self._heard = time.monotonic()
            while self._connection.poll(0):
                messages.append(self._connection.recv_bytes())
        except (EOFError, OSError):
            return self.node(), messages, self._ended()
        return self.node(), messages, None

    def tell(self, message: bytes) -> None:
        """Pass on a pickled job, or the answer to one."""
        with contextlib.suppress(OSError):  # it has just ended, which `hear` tells
            self._connection.send_bytes(message)

    def stop(self) -> None:
        """End the worker and its job at once."""
        self._process.terminate()
        self._reap()

    def _ended(self) -> tuple[int, str]:
        code = self._reap()
        with self._words as words:
            words.seek(0)
            return code, words.read().decode(errors="replace")[-self.kept :].strip()

    def _reap(self) -> int:
        try:
            return self._process.wait(self.stop_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
