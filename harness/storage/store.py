"""The stage store: a pure function's result, computed once, known by the hash of its inputs.

Shared work, resuming, and parallel workers without a coordinator all follow from this one idea. The lock only saves
work; the atomic commit makes it correct.
"""

import contextlib
import fcntl
import math
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.errors import StoreError
from harness.spans import Part, span
from harness.storage.canonical import digest
from harness.storage.checkpoint import Checkpoint
from harness.storage.disk import remove
from harness.storage.shared_stages import shared_stages
from harness.storage.stage import Stage, Watcher
from harness.storage.stage_files import CorruptStageError, read_stage, store_errors
from harness.storage.store_folder import StoreFolder
from harness.storage.store_format import STORE_FORMAT, check_format

_PARTS = (
    (Part.TRAINING, ("train", "pretrain", "probe", "head")),
    (Part.METHODS, ("compute", "quantise")),
    (Part.EVALUATION, ("score", "thresholds")),
)


def part_of(kind: str) -> Part:
    """Return what a stage's computing is counted as: images and weights that are read are data."""
    return next((part for part, kinds in _PARTS if kind in kinds), Part.DATA)


class StageBusy(BaseException):
    """Another process computes this stage: put the job back and take another.

    Not an Exception: a method that catches its own errors must not catch what only depends on timing.
    """


class StageAbsent(BaseException):
    """A stage would have to be computed, and only what is there is asked for. Like `StageBusy` no method's to catch."""


class Store(StoreFolder):
    """A folder of stages. ``wait=False`` raises `StageBusy` instead of waiting for another process.

    ``compute=False`` raises `StageAbsent` instead of computing what is not there.

    ``watcher`` is told of each stage. ``checks`` are called before anything is computed and before anything is kept,
    and raise where this process would not give the stage's own bits.

    A folder that mirrors a store on object storage knows its address: stages are looked for there too, and put there.
    """

    def __init__(
        self,
        root: Path,
        *,
        wait: bool = True,
        compute: bool = True,
        watcher: Watcher | None = None,
        checks: Iterable[Callable[[], None]] = (),
    ) -> None:
        super().__init__(root, watcher, checks)
        self.wait, self.compute = wait, compute
        self._locked = False
        with store_errors(root):
            check_format(root)
        self.shared = shared_stages(self)

    def run(self, kind: str, inputs: Any, compute: Callable[[Checkpoint], Any]) -> Stage:
        """Return the stage of ``inputs``: from the store, or computed now and committed.

        ``kind`` and ``inputs`` (tensors and JSON) make the key. ``compute`` must be a pure function of them and must
        not run another stage: a process holds at most one lock.
        """
        with span(Part.STORE):
            key = digest([kind, inputs])
            stage = self.find(key) or self._computed(key, kind, inputs, compute)
        self.watcher.ended(kind, inputs, stage)
        return stage

    def _computed(self, key: str, kind: str, inputs: Any, compute: Callable[[Checkpoint], Any]) -> Stage:
        if not self.compute:
            raise StageAbsent(key)
        with self._lock(key):
            if stage := self.find(key, mend=True):
                return stage
            self.sweep(key)
            self.check()
            self.watcher.started(kind, inputs)
            checkpoint = Checkpoint(self, key)
            try:
                with span(part_of(kind)):
                    value = compute(checkpoint)
                self.check()
                costs = checkpoint.costs
                if self.shared:
                    self.shared.begin(key)
                checkpoint.commit(value, {"kind": kind, "key": key, **costs, "format": STORE_FORMAT})
            finally:
                checkpoint.detach()
            if self.shared:
                self.shared.share(key)
        found = self.find(key)
        if found is None:
            raise StoreError(f"stage {self.path(key)} vanished right after it was written", fix="check the disk")
        return Stage(key, found.value, **costs, replayed=False)

    def find(self, key: str, *, mend: bool = False) -> Stage | None:
        """Return the committed stage ``key``, or None where there is none or its files are corrupt.

        ``mend`` (for the holder of its lock) says so and removes a corrupt stage, to be computed again.
        """
        found = self._found(key, mend=mend)
        if found is None and self.shared and self.shared.fetch(key, telling=mend):
            found = self._found(key, mend=mend)
        return found

    def _found(self, key: str, *, mend: bool) -> Stage | None:
        folder = self.path(key)
        try:
            found = self.read(key)
        except CorruptStageError as error:
            if mend:
                warnings.warn(f"{error}; it is computed again", RuntimeWarning, stacklevel=2)
                trash = self.temporary(key)
                with store_errors(self.root), contextlib.suppress(FileNotFoundError):  # evicted in this very moment
                    os.rename(folder, trash)
                remove(trash)
            return None
        if found is None:
            return None
        value, manifest = found
        with contextlib.suppress(OSError):  # only for eviction, least recently used first
            os.utime(folder)
        processor_seconds = manifest.get("processor_seconds", math.nan)  # older stages have none
        return Stage(key, value, manifest["seconds"], processor_seconds, replayed=True)

    def read(self, key: str, *, whole: bool = False) -> tuple[Any, dict[str, Any]] | None:
        """Return (value, manifest) of the committed stage ``key``, or None where there is none.

        ``whole`` reads its attachments too, byte by byte. Raises `CorruptStageError` for files that are not as they
        were committed, or are another stage's.
        """
        folder = self.path(key)
        with store_errors(self.root):
            found = read_stage(folder, whole=whole)
        if found is not None and found[1].get("key", key) != key:  # older stages do not say
            raise CorruptStageError(f"{folder} holds the stage {found[1]['key']}")
        if found is not None and not isinstance(found[1].get("seconds"), int | float):
            raise CorruptStageError(f"{folder} does not say how long it took")
        return found

    def reach(self) -> None:
        """Raise `MachineError` where this mirrors a store on object storage that cannot be used."""
        if self.shared:
            self.shared.reach(STORE_FORMAT)

    def share_waiting(self) -> int:
        """Put on the object storage what could not be put there before; return how many stages are still here alone."""
        return self.shared.share_waiting() if self.shared else 0

    @contextmanager
    def _lock(self, key: str) -> Iterator[None]:
        """Hold the stage's lock, among all machines where the store is shared."""
        assert not self._locked, "stages are leaves: a stage must not run another stage"
        with contextlib.ExitStack() as held:
            held.enter_context(self._flock(key))
            if self.shared and not held.enter_context(self.shared.locked(key, wait=self.wait)):
                raise StageBusy(key)
            self._locked = True
            try:
                yield
            finally:
                self._locked = False

    @contextmanager
    def _flock(self, key: str) -> Iterator[None]:
        """Hold the stage's flock; its file is never deleted, and the kernel frees it when the holder dies."""
        with store_errors(self.root):
            file = open(self.root / "locks" / key, "a")  # noqa: SIM115
        with file:
            try:
                with store_errors(self.root):
                    fcntl.flock(file, fcntl.LOCK_EX if self.wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StageBusy(key) from None
            yield
