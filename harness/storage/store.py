"""The stage store: a pure function's result, computed once, known by the hash of its inputs.

Shared work, resuming, and parallel workers without a coordinator all follow from this one idea. The lock only saves
work; the atomic commit makes it correct.
"""

import contextlib
import fcntl
import math
import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import StoreError
from harness.storage.canonical import digest
from harness.storage.disk import remove
from harness.storage.stage import Stage, Watcher
from harness.storage.stage_files import (
    Attachment,
    CorruptStageError,
    read_stage,
    read_stage_manifest,
    store_errors,
    write_stage,
)
from harness.storage.store_format import STORE_FORMAT, check_format

CHECKPOINT_EVERY_S = 20.0


class StageBusy(BaseException):
    """Another process computes this stage: put the job back and take another.

    Not an Exception: a method that catches its own errors must not catch what only depends on timing.
    """


class StageAbsent(BaseException):
    """A stage would have to be computed, and only what is there is asked for. Like `StageBusy` no method's to catch."""


@dataclass
class Checkpoint:
    """Where a long stage saves its progress between epochs, so that a kill costs seconds, not the stage."""

    store: "Store"
    key: str
    _before: tuple[float, float] = (0.0, 0.0)
    _started: tuple[float, float] = (0.0, 0.0)
    _saved: float = 0.0
    _attached: list[Attachment] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._started = time.monotonic(), time.process_time()
        self._saved = time.monotonic()

    @property
    def costs(self) -> dict[str, float]:
        """What this stage took so far, interrupted tries included up to their last checkpoint; as `Stage` names it."""
        now = time.monotonic(), time.process_time()
        seconds, processor = (
            before + end - start for before, end, start in zip(self._before, now, self._started, strict=True)
        )
        return {"seconds": seconds, "processor_seconds": processor}

    @property
    def due(self) -> bool:
        """Whether enough work would be lost to be worth a checkpoint."""
        return time.monotonic() - self._saved >= CHECKPOINT_EVERY_S

    def attach(self, name: str) -> Attachment:
        """Return a file that becomes part of the stage, ``name`` in its folder, for what is too large for memory."""
        with store_errors(self.store.root):
            self._attached.append(Attachment(self.store.temporary(f"{self.key}.attached"), name))
        return self._attached[-1]

    def commit(self, value: Any, manifest: dict[str, Any]) -> None:
        """Commit the stage with what was attached, and drop what was saved on the way."""
        with store_errors(self.store.root):
            write_stage(self.store.temporary(self.key), self.store.path(self.key), value, manifest, self._attached)
        self.clear()

    def detach(self) -> None:
        """Remove what was attached and is in no stage."""
        for one in self._attached:
            one.close()
        shutil.rmtree(self.store.temporary(f"{self.key}.attached"), ignore_errors=True)

    def load(self) -> Any:
        """Return the newest readable checkpoint's value, or None."""
        for folder in sorted(self.store.partial.glob(f"{self.key}.*"), reverse=True):
            try:
                found = read_stage(folder)
            except CorruptStageError:
                continue
            if found:
                self._before = found[1]["seconds"], found[1]["processor_seconds"]
                return found[0]
        return None

    def stepped(self, done: int, of: int) -> None:
        """Tell who watches the store how many training steps are taken."""
        self.store.watcher.stepped(done, of)

    def save(self, order: int, value: Any) -> None:
        """Commit ``value`` as the checkpoint of step ``order``, then drop the older ones."""
        self.store.check()
        target = self.store.partial / f"{self.key}.{order:08d}"
        with store_errors(self.store.root):
            shutil.rmtree(target, ignore_errors=True)  # a torn one of an earlier try
            write_stage(self.store.temporary(self.key), target, value, self.costs)
        self.clear(but=target)
        self._saved = time.monotonic()

    def clear(self, but: Path | None = None) -> None:
        """Remove this stage's checkpoints, except ``but``."""
        for folder in self.store.partial.glob(f"{self.key}.*"):
            if folder != but:
                shutil.rmtree(folder, ignore_errors=True)


class Store:
    """A folder of stages. ``wait=False`` raises `StageBusy` instead of waiting for another process.

    ``compute=False`` raises `StageAbsent` instead of computing what is not there.

    ``watcher`` is told of each stage. ``checks`` are called before anything is computed and before anything is kept,
    and raise where this process would not give the stage's own bits.
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
        self.root = root
        self.stages = root / "stages"
        self.partial = root / "partial"
        self.wait, self.compute, self.watcher, self.checks = wait, compute, watcher or Watcher(), [*checks]
        self._locked = False
        with store_errors(root):
            for folder in (self.stages, self.partial, root / "locks", root / "temporary"):
                folder.mkdir(parents=True, exist_ok=True)
            check_format(root)

    def run(self, kind: str, inputs: Any, compute: Callable[[Checkpoint], Any]) -> Stage:
        """Return the stage of ``inputs``: from the store, or computed now and committed.

        ``kind`` and ``inputs`` (tensors and JSON) make the key. ``compute`` must be a pure function of them and must
        not run another stage: a process holds at most one lock.
        """
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
            self._sweep(key)
            self.check()
            self.watcher.started(kind, inputs)
            checkpoint = Checkpoint(self, key)
            try:
                value = compute(checkpoint)
                self.check()
                costs = checkpoint.costs
                checkpoint.commit(value, {"kind": kind, "key": key, **costs, "format": STORE_FORMAT})
            finally:
                checkpoint.detach()
        found = self.find(key)
        if found is None:
            raise StoreError(f"stage {self.path(key)} vanished right after it was written", fix="check the disk")
        return Stage(key, found.value, **costs, replayed=False)

    def check(self) -> None:
        """Raise what one of the checks raises: then nothing may be kept."""
        for check in self.checks:
            check()

    def find(self, key: str, *, mend: bool = False) -> Stage | None:
        """Return the committed stage ``key``, or None where there is none or its files are corrupt.

        ``mend`` (for the holder of its lock) says so and removes a corrupt stage, to be computed again.
        """
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
        return found

    def path(self, key: str) -> Path:
        """Return the folder of stage ``key``."""
        return self.stages / key[:2] / key

    def temporary(self, key: str) -> Path:
        """Return this process's temporary folder for ``key``."""
        return self.root / "temporary" / f"{key}.{os.getpid()}"

    def folders(self) -> Iterator[tuple[Path, str]]:
        """Yield (folder, kind) of every committed stage."""
        for folder in sorted(self.stages.glob("??/*")):
            yield folder, str(read_stage_manifest(folder).get("kind", "unreadable"))

    def _sweep(self, key: str) -> None:
        for leftover in (self.root / "temporary").glob(f"{key}.*"):
            shutil.rmtree(leftover, ignore_errors=True)

    @contextmanager
    def _lock(self, key: str) -> Iterator[None]:
        """Hold the stage's flock; its file is never deleted, and the kernel frees it when the holder dies."""
        assert not self._locked, "stages are leaves: a stage must not run another stage"
        with store_errors(self.root):
            file = open(self.root / "locks" / key, "a")  # noqa: SIM115
        with file:
            try:
                with store_errors(self.root):
                    fcntl.flock(file, fcntl.LOCK_EX if self.wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StageBusy(key) from None
            self._locked = True
            try:
                yield
            finally:
                self._locked = False
