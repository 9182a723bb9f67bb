"""The stages of a store that object storage holds, too: fetched when they are asked for, put there once committed.

The storage has the layout of a store: an object for each file of a stage, its manifest last. Who reads asks for the
manifest: what an upload that died has left is seen by nobody, and the next one writes over it with the same bits.
"""

import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

from harness.errors import StoreError
from harness.storage.disk import locked, remove
from harness.storage.layout import UNSHARED
from harness.storage.mirror import address_of
from harness.storage.remote import SILENT_S, Remote, RemoteError, remote_at
from harness.storage.remote_lock import remote_lock
from harness.storage.stage_files import MANIFEST, CorruptStageError, place_stage, read_stage, stage_parts, store_errors
from harness.storage.store_folder import StoreFolder

Answer = TypeVar("Answer")

LATE_S = 600.0
"""After which a stage that is not on the storage is one that no living upload has in hand."""


class RemoteHeld(NamedTuple):
    """What a storage holds: so many stages and bytes; ``waiting`` are those of the mirror that it has not got yet."""

    address: str
    stages: int
    bytes: int
    waiting: int


def shared_stages(folder: StoreFolder) -> "SharedStages | None":
    """Return what a mirror shares, None for a store of its own."""
    address = address_of(folder.root)
    return SharedStages(folder, remote_at(address)) if address else None


class SharedStages:
    """The stages behind a mirror. Where the storage fails, work goes on with what is here, and a warning says so."""

    def __init__(self, folder: StoreFolder, remote: Remote) -> None:
        self.folder, self.remote = folder, remote
        self._waiting = folder.root / UNSHARED
        with store_errors(folder.root):
            self._waiting.mkdir(exist_ok=True)

    def reach(self, version: str) -> None:
        """Raise `RemoteError` where the storage cannot be used, `StoreError` where it is of another ``version``."""
        found = (self.remote.read("FORMAT") or b"").decode(errors="replace").strip()
        if not found:
            self.remote.write("FORMAT", version.encode())
        elif found != version:
            raise StoreError(
                f"the store {self.remote.address} has format {found[:20]}, this version reads format {version}",
                fix="choose another place with --store, or install the version that wrote it",
            )

    def fetch(self, key: str, *, telling: bool) -> bool:
        """Bring a stage here, whole and as it was committed; return whether that could be done.

        ``telling``: say that one is damaged there.
        """
        if self.folder.path(key).exists():
            return False
        trash = self.folder.temporary(f"{key}.fetched")
        try:
            return self._ask(lambda: self._fetched_once(key, trash), otherwise=False)
        except CorruptStageError as error:
            if telling:
                there = f"{self.remote.address}/{self._name(key)}"
                why = str(error).replace(str(trash), there)
                warnings.warn(f"{there} is damaged: {why}; it is computed again", RuntimeWarning, stacklevel=2)
            return False
        finally:
            remove(trash)

    def _fetched_once(self, key: str, folder: Path) -> bool:
        """Fetch a stage if it is there, one process of this mirror at a time: its files may be large."""
        manifest = self.remote.read(f"{self._name(key)}/{MANIFEST}")
        if manifest is None:
            return False
        # Not the stage's own lock: who computes holds that one, and asks here first.
        with locked(self.folder.root / "locks" / f"{key}.fetch", waiting=lambda: None):
            return self.folder.path(key).exists() or self._fetched(key, manifest, folder)

    def _fetched(self, key: str, manifest: bytes, folder: Path) -> bool:
        """Raises `CorruptStageError` for a stage that is not as it was committed, or is another's."""
        name = self._name(key)
        parts = stage_parts(manifest)
        self.folder.sweep(key)
        with store_errors(self.folder.root):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            for file in parts.read:
                (folder / file).write_bytes(self.remote.read(f"{name}/{file}") or b"")
            (folder / MANIFEST).write_bytes(manifest)
        for file in parts.mapped:
            self.remote.download(f"{name}/{file}", folder / file)
        found = read_stage(folder, whole=True)
        if found is None or found[1].get("key") != key:
            raise CorruptStageError(f"{folder} holds another stage")
        with store_errors(self.folder.root):
            place_stage(folder, self.folder.path(key))
        return True

    def begin(self, key: str) -> None:
        """Note that a stage is about to be committed here, and is not on the storage yet."""
        with store_errors(self.folder.root):
            (self._waiting / key).touch()

    def share(self, key: str) -> bool:
        """Put a committed stage on the storage, and with it what could not be put there before; else that waits."""
        if not self._shared(key):
            return False
        for other in self.waiting(LATE_S):
            self._shared(other)
        return True

    def share_waiting(self) -> int:
        """Put all there that waits, and return how many stages still do."""
        self.remote.silent_until = 0.0
        for key in self.waiting():
            self._shared(key)
        return len(self.waiting())

    def waiting(self, older_s: float = 0.0) -> list[str]:
        """Return the committed stages that are not on the storage, for at least so many seconds."""
        marked = [mark.name for mark in self._waiting.iterdir() if self._age(mark) >= older_s]
        return sorted(key for key in marked if self.folder.path(key).exists())

    def _shared(self, key: str) -> bool:
        folder, name = self.folder.path(key), self._name(key)

        def put() -> bool:
            for file in self._files(folder):
                self.remote.upload(folder / file, f"{name}/{file}")
            return True

        if done := self._ask(put, otherwise=False):
            (self._waiting / key).unlink(missing_ok=True)
        return done

    @staticmethod
    def _files(folder: Path) -> list[str]:
        """Return a stage's files in the order in which they go; none where it is damaged or was evicted here."""
        try:
            parts = stage_parts((folder / MANIFEST).read_bytes())
        except (CorruptStageError, FileNotFoundError):
            return []
        return [*parts.mapped, *parts.read, MANIFEST]

    @contextmanager
    def locked(self, key: str, *, wait: bool) -> Iterator[bool]:
        """Hold the lock of a stage among all machines, as far as the storage answers; give False where it is busy.

        Who asks holds its flock here.
        """
        with ExitStack() as held:
            lock = remote_lock(self.remote, f"locks/{key}", self.folder.root, wait=wait)
            yield self._ask(lambda: held.enter_context(lock), otherwise=True)

    def held(self) -> RemoteHeld:
        """Return what the storage holds. Raises `RemoteError`."""
        sizes = self.remote.sizes("stages")
        stages = sum(name.endswith("/manifest.json") for name in sizes)
        return RemoteHeld(self.remote.address, stages, sum(sizes.values()), len(self.waiting()))

    @staticmethod
    def _age(mark: Path) -> float:
        try:
            return time.time() - mark.stat().st_mtime
        except FileNotFoundError:  # another process has put the stage there
            return -1.0

    def _name(self, key: str) -> str:
        return self.folder.path(key).relative_to(self.folder.root).as_posix()

    def _ask(self, ask: Callable[[], Answer], *, otherwise: Answer) -> Answer:
        """Return what the storage gives, ``otherwise`` where it fails: said once, and not asked for a while."""
        if time.monotonic() < self.remote.silent_until:
            return otherwise
        try:
            return ask()
        except RemoteError as error:
            self.remote.silent_until = time.monotonic() + SILENT_S
            text = f"{error.message}; for now, stages are looked for and kept in {self.folder.root} alone"
            warnings.warn(text, RuntimeWarning, stacklevel=3)
            return otherwise
