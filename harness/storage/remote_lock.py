"""A lock on object storage that a dead machine cannot hold: an object that only one can create, and that runs out.

It only saves work. Where two hold it after all (a clock is wrong, a server ignores the condition, a holder was cut off
for longer than its lease), both compute the same bits.
"""

import contextlib
import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread

from harness.storage.disk import machine
from harness.storage.mirror import address_of
from harness.storage.remote import SILENT_S, Remote, RemoteError, remote_at

LEASE_S = 120.0
"""After which a lock that its holder has not renewed is anybody's."""

RENEW_S = 30.0
POLL_S = 2.0
"""Between two looks at a lock that somebody else has, for who waits."""

_TORN_S = 1.0
"""After which a lock that cannot be read was left by somebody who died while writing it."""


@contextmanager
def remote_lock(
    remote: Remote, name: str, mirror: Path, *, wait: bool, now: Callable[[], float] = time.time
) -> Iterator[bool]:
    """Hold the lock ``name`` and give True; give False where another has it and ``wait`` is not wanted.

    Who asks holds the flock of that name in ``mirror``: a lock of the same mirror is one that a dead process left.
    ``now`` gives seconds since the epoch: machines are taken to agree within a minute. Raises `RemoteError`.
    """
    lock = _Lock(remote, name, mirror, now)
    while not (taken := lock.take()) and wait:
        time.sleep(POLL_S)
    if not taken:
        yield False
        return
    ended = Event()
    renewing = Thread(target=lock.renew_until, args=(ended,), daemon=True)
    renewing.start()
    try:
        yield True
    finally:
        ended.set()
        renewing.join()
        lock.release()


@contextmanager
def alone_among_machines(store: Path, name: str) -> Iterator[None]:
    """Hold the lock ``name`` of the storage that a store mirrors, waiting for it, as far as the storage answers.

    Who asks holds the flock of that name in ``store``. Of a store of its own there is no such lock.
    """
    address = address_of(store)
    with ExitStack() as held:
        if address and time.monotonic() >= (remote := remote_at(address)).silent_until:
            try:
                held.enter_context(remote_lock(remote, f"locks/{name}", store, wait=True))
            except RemoteError:
                remote.silent_until = time.monotonic() + SILENT_S
        yield


class _Lock:
    def __init__(self, remote: Remote, name: str, mirror: Path, now: Callable[[], float]) -> None:
        self.remote, self.name, self.now = remote, name, now
        folder = mirror.stat()
        self.home = f"{machine()}-{folder.st_dev}-{folder.st_ino}-"
        self.holder = f"{self.home}{uuid.uuid4().hex}"

    def take(self) -> bool:
        """Create the object, also in the place of one that has run out; return whether it is this holder's."""
        if self.remote.create(self.name, self._content()):
            return True
        holder, until = self._found()
        if holder == self.holder:  # made by a request whose answer was lost
            return True
        if until > self.now() and not holder.startswith(self.home):
            return False
        self.remote.remove(self.name)
        return self.remote.create(self.name, self._content()) or self._read()[0] == self.holder

    def renew_until(self, ended: Event) -> None:
        """Renew it now and then, as long as it is this holder's."""
        while not ended.wait(RENEW_S):
            with contextlib.suppress(RemoteError):  # the next time, or it runs out
                if self._read()[0] != self.holder:
                    return
                self.remote.write(self.name, self._content())

    def release(self) -> None:
        """Remove it, unless it has become another's; where that fails it runs out."""
        with contextlib.suppress(RemoteError):
            if self._read()[0] == self.holder:
                self.remote.remove(self.name)

    def _content(self) -> bytes:
        return json.dumps({"holder": self.holder, "until": self.now() + LEASE_S}).encode()

    def _found(self) -> tuple[str, float]:
        for pause in (_TORN_S, 0.0):
            holder, until = self._read()
            if holder is not None:
                return holder, until
            time.sleep(pause)
        return "", 0.0

    def _read(self) -> tuple[str | None, float]:
        """Return (holder, until when); None where there is no lock, or none that can be read."""
        try:
            found = json.loads(self.remote.read(self.name) or b"{}")
            return str(found["holder"]), float(found["until"])
        except (ValueError, KeyError, TypeError):
            return None, 0.0
