"""A run as it is kept, for who doubts it: what MLflow holds, the files, and the manifest that should know them."""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter

from harness.results import names
from harness.results.manifest import LoggedLevel, Manifest, read_checked
from harness.results.published import PublishedRun, ReadDocument, ReadLevel
from harness.results.run_files import RunFiles

Points = Mapping[tuple[str, int], tuple[float, ...]]
"""What MLflow holds of each (metric, step); more than one value where several levels share a step, or one is double."""

READ_FILES = (names.CELL_FILE, names.SCORES_FILE)
"""What the reports read of a level: masks stay where they are."""


@dataclass(frozen=True)
class RecordedRun:
    """One finished run, unread: ``tags`` and ``points`` are MLflow's own, ``lost`` what is wrong with the manifest.

    ``points`` is None where there is no MLflow to ask, as in a bundle. ``withheld`` are files of levels that the
    manifest knows and that were left behind on purpose. ``started`` and ``finished`` are in ms since 1970.
    """

    run_id: str
    tags: Mapping[str, str]
    points: Points | None
    manifest: Manifest
    files: RunFiles
    lost: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    started: int = 0
    finished: int = 0

    def read(self, *, whole: bool) -> PublishedRun:
        """Return the run as the reports read it; ``whole``: every file of a level is held against its hash."""
        found, damage = read_checked(self.files, {names.PROVENANCE: "", **self.manifest.documents})
        levels = sorted(self.manifest.levels.values(), key=attrgetter("density"))[::-1]
        return PublishedRun(
            self.run_id,
            {**self.tags, **self.manifest.tags},
            self.started,
            self.finished,
            _text(found.get(names.PROVENANCE, b"")),
            [self._level(level, whole=whole) for level in levels],
            [*self.lost, *damage],
        )

    def document(self, name: str) -> ReadDocument | None:
        """Return the document ``name``, None where the run has none."""
        known = self.manifest.documents.get(name, "")
        found, damage = read_checked(self.files, {name: known})
        if name in found:
            return ReadDocument(self.run_id, _text(found[name]))
        return ReadDocument(self.run_id, "", damage[0]) if known else None

    def _level(self, level: LoggedLevel, *, whole: bool) -> ReadLevel:
        found, damage = level.read(self.files, () if whole and level.sha256 else READ_FILES)
        texts = {name: _text(found[name]) for name in READ_FILES if name in found}
        return ReadLevel(level.density, texts, "; ".join(damage))


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
