"""Where a long stage saves its progress, and what it hands over when it is done."""

import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.storage.stage_files import Attachment, CorruptStageError, read_stage, store_errors, write_stage
from harness.storage.store_folder import StoreFolder

CHECKPOINT_EVERY_S = 20.0


@dataclass
class Checkpoint:
    """Where a long stage saves its progress between epochs, so that a kill costs seconds, not the stage."""

    store: StoreFolder
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
