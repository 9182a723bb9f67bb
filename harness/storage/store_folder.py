"""The folder of a store: where its stages, unfinished ones, locks and temporary files are."""

import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from harness.storage.disk import lives, machine
from harness.storage.stage import Watcher
from harness.storage.stage_files import read_stage_manifest, store_errors

ABANDONED_S = 86_400.0
"""That another machine has not touched a temporary folder, after which it is taken for dead: here nobody can ask it."""


class StoreFolder:
    """Where a store keeps what, who is told of its stages, and the checks without which nothing is kept.

    Several machines may share it: what one process alone may touch is named by machine and process.
    """

    def __init__(self, root: Path, watcher: Watcher | None = None, checks: Iterable[Callable[[], None]] = ()) -> None:
        self.root = root
        self.stages = root / "stages"
        self.partial = root / "partial"
        self.watcher, self.checks = watcher or Watcher(), [*checks]
        with store_errors(root):
            for folder in (self.stages, self.partial, root / "locks", root / "temporary"):
                folder.mkdir(parents=True, exist_ok=True)

    def check(self) -> None:
        """Raise what one of the checks raises: then nothing may be kept."""
        for check in self.checks:
            check()

    def path(self, key: str) -> Path:
        """Return the folder of stage ``key``."""
        return self.stages / key[:2] / key

    def temporary(self, key: str) -> Path:
        """Return this process's temporary folder for ``key``, which no process of any machine has, too."""
        return self.root / "temporary" / f"{key}.{machine()}-{os.getpid()}"

    def folders(self) -> Iterator[tuple[Path, str]]:
        """Yield (folder, kind) of every committed stage."""
        for folder in sorted(self.stages.glob("??/*")):
            yield folder, str(read_stage_manifest(folder).get("kind", "unreadable"))

    def sweep(self, key: str) -> None:
        """Remove what the dead left of ``key``: their lock is free, so that nobody else does."""
        for leftover in (self.root / "temporary").glob(f"{key}.*"):
            if _is_dead(leftover):
                shutil.rmtree(leftover, ignore_errors=True)


def _is_dead(leftover: Path) -> bool:
    """Return whether who made a temporary folder surely is gone."""
    home, _, process = leftover.name.rpartition(".")[2].rpartition("-")
    if home == machine():
        return not lives(process)
    try:
        touched = max(path.stat().st_mtime for path in (leftover, *leftover.iterdir()))
    except OSError:  # it goes away in this moment
        return False
    return time.time() - touched > ABANDONED_S
