"""Jobs that are done: their records, kept beside the stages that they rest on, so that no worker need replay them.

A record is used while the plan, the method and the whole of the harness are what they were, and every stage that the
job asked for is in the store with the bytes that it was committed with; else the job is run, and replays its stages.
"""

import base64
import contextlib
import functools
import hashlib
import json
import os
import time
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from harness import plugins
from harness.data.loading import pool_fingerprint, test_split, training_splits
from harness.entry_text import parse_entry
from harness.environment import versions
from harness.errors import UsageError
from harness.planning.entries import Entry
from harness.planning.plan import Plan, levels_of
from harness.results.cell_record import CellRecord
from harness.results.names import FAILED, REFERENCES
from harness.running.own_code import code_digest
from harness.running.publication import compared
from harness.storage.canonical import digest
from harness.storage.disk import write_whole
from harness.storage.layout import FINISHED
from harness.storage.stage_files import CorruptStageError
from harness.storage.store import Store
from harness.training.version import TRAINING_VERSION

_LOOK_S = 5.0
"""Between two looks at whether the source files are what they were: a look takes 10 ms."""


class FinishedJobs:
    """Those of one plan; another distribution's method is run again each time, since its code may be anywhere."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._store = plan, Store(plan.store)
        self._code = code_digest()
        self._looked = time.monotonic()
        self._whole: dict[str, bool] = {}
        self._known: dict[Entry, str] = {}
        self._cuts: dict[int, list[str]] = {}
        self._edited = False

    def find(self, entry: Entry, seed: int) -> list[CellRecord] | None:
        """Return the records of one (entry, seed), densest first, or None where it must be run."""
        if not (self._plan.store / FINISHED).is_dir() or not _is_ours(entry):
            return None
        content = _read(self._path(entry, seed))
        if content is None or not all(map(self._is_whole, content["stages"])):
            return None
        return [_record(one) for one in content["records"]]

    def keep(self, entry: Entry, seed: int, records: Sequence[CellRecord], stages: Collection[str]) -> None:
        """Keep the records of a job that asked for ``stages``, unless one failed: a failure is tried again."""
        whole = len(records) == len(levels_of(entry, self._plan.densities))
        if not whole or any(one.status == FAILED for one in records) or not _is_ours(entry):
            return
        if self._is_edited():  # who knows what the workers have read
            return
        path = self._path(entry, seed)
        with contextlib.suppress(OSError):  # then it is replayed; the next stage will meet a disk that is full
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, _written({"stages": sorted(stages), "records": [*map(_plain, records)]}))

    def _path(self, entry: Entry, seed: int) -> Path:
        key = digest([self._decides, self._of(entry), seed, self._cut(seed)])
        return self._plan.store / FINISHED / key[:2] / key

    def _is_edited(self) -> bool:
        if time.monotonic() - self._looked > _LOOK_S:
            self._looked = time.monotonic()
            self._edited = self._edited or code_digest() != self._code
        return self._edited

    def _cut(self, seed: int) -> list[str]:
        """Return which images a seed trains with and validates on: the publisher's groups decide, too."""
        if seed not in self._cuts:
            splits = training_splits(self._plan.data, self._plan.store, seed)
            self._cuts[seed] = [split.fingerprint for split in splits]
        return self._cuts[seed]

    def _of(self, entry: Entry) -> str:
        if entry not in self._known:
            levels = levels_of(entry, self._plan.densities)
            self._known[entry] = digest([entry, entry.code(), list(levels)])
        return self._known[entry]

    @functools.cached_property
    def _decides(self) -> str:
        """What decides the records of all jobs, besides the entry and the seed."""
        data, store = self._plan.data, self._plan.store
        images = {"pool": pool_fingerprint(data, store), "test": test_split(data, store).fingerprint}
        code = [TRAINING_VERSION, self._code, versions(), version("scipy")]
        return digest([compared(self._plan, images), self._plan.verdict, code])

    def _is_whole(self, stage: str) -> bool:
        """Return whether a stage is here as it was committed; asked once in a run, and counted as its use.

        None is fetched from object storage for that: a worker that replays the job fetches what it needs.
        """
        if stage not in self._whole:
            try:
                self._whole[stage] = self._store.read(stage) is not None
            except CorruptStageError:
                self._whole[stage] = False
            else:
                with contextlib.suppress(OSError):  # only for eviction
                    os.utime(self._store.path(stage))
        return self._whole[stage]


def _is_ours(entry: Entry) -> bool:
    """Return whether the harness itself registers a method and those that it borrows from."""
    try:
        methods = [entry.method, *(parse_entry(one)[0] for one in entry.described().borrows_from)]
    except UsageError:
        return False
    known = plugins.available(plugins.PRUNERS)
    return all(one in REFERENCES or (one in known and known[one].is_ours) for one in methods)


def _written(content: Mapping[str, Any]) -> bytes:
    packed = zlib.compress(json.dumps(content).encode(), level=1)
    return hashlib.sha256(packed).hexdigest().encode() + packed


def _read(path: Path) -> dict[str, Any] | None:
    """Return what `_written` wrote, None where there is none or it is damaged."""
    try:
        written = path.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(written[64:]).hexdigest().encode() != written[:64]:
        return None
    content: dict[str, Any] = json.loads(zlib.decompress(written[64:]))
    return content


def _plain(record: CellRecord) -> dict[str, Any]:
    masks = {name: base64.b64encode(bits.tobytes()).decode() for name, bits in record.mask.items()}
    return asdict(replace(record, mask=masks))


def _record(value: Mapping[str, Any]) -> CellRecord:
    masks = {name: np.frombuffer(base64.b64decode(text), dtype=np.uint8) for name, text in value["mask"].items()}
    scores = {name: tuple(value[name]) for name in ("validation_scores", "test_scores")}
    layers = {name: tuple(counts) for name, counts in value["layers"].items()}
    return CellRecord(**{**value, **scores, "layers": layers, "mask": masks})
