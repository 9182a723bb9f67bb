"""The list of a run's levels and files with the hash of each: manifest.json, written last.

It is a file, since MLflow cuts long tags, and it goes by exact densities, since parts per million are no identity.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from harness.results import names
from harness.results.cell_record import step_of
from harness.results.published import Publication, PublishedLevel
from harness.results.run_files import RunFiles

FOLDER = "levels"
_CHANGED = "is not as it was logged"


@dataclass(frozen=True, kw_only=True)
class LoggedLevel:
    """One level as it was logged: its density, folder, digest and its files' sha256 by name.

    Of an older harness, or where the manifest is lost, they are None: what is there is all that is known.
    """

    density: float
    folder: str
    digest: str = ""
    sha256: Mapping[str, str] | None = None

    @classmethod
    def of(cls, density: float, level: PublishedLevel, known: "LoggedLevel | None") -> "LoggedLevel":
        """Return how a level is logged: in the folder that it has already, or in that of its density."""
        folder = known.folder if known else f"{FOLDER}/{float(density)!r}"
        return cls(density=density, folder=folder, digest=level.digest, sha256=hashes(level.files))

    def holds(self, level: PublishedLevel, files: RunFiles) -> bool:
        """Return whether a level is logged with this content, and every file of it is there as it was."""
        if self.sha256 is None or self.digest != level.digest:
            return False
        return not self.read(files)[1]

    def read(self, files: RunFiles, wanted: Collection[str] = ()) -> tuple[dict[str, bytes], list[str]]:
        """Return the level's files, or the ``wanted`` of them, and what is wrong with the others."""
        listed = dict.fromkeys(wanted, "") if self.sha256 is None else self.sha256
        places = {name: f"{self.folder}/{name}" for name in listed if not wanted or name in wanted}
        found, damage = read_checked(files, {place: listed[name] for name, place in places.items()})
        return {name: found[place] for name, place in places.items() if place in found}, damage


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a run holds: its levels by density, the sha256 of its documents, and its tags uncut."""

    levels: Mapping[float, LoggedLevel] = field(default_factory=dict)
    documents: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Return what manifest.json holds: the levels with their MLflow steps, and a hash of it all."""
        levels = [{"step": step_of(density), **asdict(self.levels[density])} for density in sorted(self.levels)[::-1]]
        content = {"levels": levels, "documents": dict(self.documents), "tags": dict(self.tags)}
        return json.dumps({**content, "sha256": _own_hash(content)}, indent=1).encode()

    @classmethod
    def from_bytes(cls, written: bytes) -> "Manifest":
        """Return the manifest that `to_bytes` wrote. Raises `ValueError` where it is cut or changed."""
        content = json.loads(written)
        if not isinstance(content, dict) or content.pop("sha256", None) != _own_hash(content):
            raise ValueError(_CHANGED)
        kept = ("density", "folder", "digest", "sha256")
        levels = [LoggedLevel(**{name: one[name] for name in kept}) for one in content["levels"]]
        return cls(levels={one.density: one for one in levels}, documents=content["documents"], tags=content["tags"])


def manifest_of(files: RunFiles) -> tuple[Manifest, list[str]]:
    """Return a run's manifest, or what its folders tell without one, and what is wrong with it."""
    written = files.read(names.MANIFEST)
    if written is None:
        return _unlisted(files), [f"{names.MANIFEST} is missing"]
    try:
        return Manifest.from_bytes(written), []
    except ValueError:
        return _unlisted(files), [f"{names.MANIFEST} {_CHANGED}"]


def log_files(
    files: RunFiles, publication: Publication, levels: Mapping[float, PublishedLevel], before: Manifest
) -> None:
    """Write ``levels`` and the documents, and then the manifest that knows them; what it knew ``before`` stays."""
    logged = {density: LoggedLevel.of(density, level, before.levels.get(density)) for density, level in levels.items()}
    manifest = Manifest(
        levels={**before.levels, **logged},
        documents={**before.documents, **hashes(publication.documents)},
        tags=publication.tags,
    )
    written = {
        f"{logged[density].folder}/{name}": content
        for density, level in levels.items()
        for name, content in level.files.items()
    }
    files.write({**written, **publication.documents, names.MANIFEST: manifest.to_bytes()})


def _unlisted(files: RunFiles) -> Manifest:
    found = {folder: _density(files, folder) for folder in files.folders(FOLDER)}
    levels = [LoggedLevel(density=density, folder=folder) for folder, density in found.items() if density is not None]
    return Manifest(levels={one.density: one for one in levels})


def _density(files: RunFiles, folder: str) -> float | None:
    """Return the density of a level's folder: as its cell says, or, where that is broken, as its name does."""
    name = folder.rpartition("/")[2]
    try:
        return float(json.loads(files.read(f"{folder}/{names.CELL_FILE}") or b"")["density"])
    except (ValueError, KeyError, TypeError):
        pass
    try:
        return 1 - int(name) / 1_000_000 if name.isdecimal() else float(name)  # the step was an older harness's name
    except ValueError:
        return None


def hashes(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the sha256 of each file by name."""
    return {name: _sha256(content) for name, content in files.items()}


def read_checked(files: RunFiles, wanted: Mapping[str, str]) -> tuple[dict[str, bytes], list[str]]:
    """Return the files that are as they were logged, and what is wrong with the others.

    ``wanted`` gives the sha256 by path, empty where it is not known.
    """
    found: dict[str, bytes] = {}
    damage = []
    for name, known in wanted.items():
        content = files.read(name)
        if content is None:
            damage.append(f"{name} is missing")
        elif known and _sha256(content) != known:
            damage.append(f"{name} {_CHANGED if content else 'is empty'}")
        else:
            found[name] = content
    return found, damage


def _own_hash(content: Mapping[str, Any]) -> str:
    return _sha256(json.dumps(content, sort_keys=True).encode())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
