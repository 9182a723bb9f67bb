"""A bundle that was opened: its facts, its runs as MLflow's are read, and what of it does not fit together."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Self

from harness.errors import DataError
from harness.integrity.verification import Difference
from harness.results import names
from harness.results.manifest import Manifest
from harness.results.recorded import RecordedRun
from harness.submissions.archive import BUNDLE_FILE, Archive
from harness.submissions.bundle_facts import BundledRun, BundleFacts, facts_of
from harness.submissions.expected import faults_of, manifest_faults
from harness.submissions.plain_json import plain_json

_FIX = "ask its author for the file that `harness bundle` wrote"


class BundleFiles:
    """The files of one run in a bundle, by their path in the run."""

    def __init__(self, archive: Archive, folder: str) -> None:
        self._archive, self._folder = archive, folder

    def read(self, name: str) -> bytes | None:
        """Return a file's content, None where there is none."""
        place = f"{self._folder}/{name}"
        return self._archive.read(place) if place in self._archive.names else None

    def folders(self, name: str) -> list[str]:
        """Return the paths of the folders in a folder, sorted; none where it is absent."""
        start = f"{self._folder}/{name}/"
        inner = {place.removeprefix(start).partition("/")[0] for place in self._archive.names if start in place}
        return sorted(f"{name}/{one}" for one in inner)

    def fetch(self, name: str) -> None:
        """Do nothing: the files are here."""

    def write(self, files: Mapping[str, bytes]) -> None:
        """Refuse: a bundle stays as it was written."""
        raise TypeError(f"a bundle is not written to: {next(iter(files), None)}")


class Bundle:
    """A bundle at ``path``. Raises `DataError` where it is hostile or of no schema that is read, `UsageError`.

    ``faults`` says by member what is not as bundle.json says, what is missing or too much, and what no harness writes.
    Runs with such faults must not be read any further.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with ExitStack() as stack:
            self._archive = stack.enter_context(Archive(path))
            self.facts, faults = self._read_facts()
            self.faults = [Difference(BUNDLE_FILE, fault) for fault in faults]
            self.faults += self._member_faults()
            self._open = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @cached_property
    def sha256(self) -> str:
        """The sha256 of the whole file: what a record of a rerun speaks of."""
        with open(self.path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def runs(self, kind: str) -> list[RecordedRun]:
        """Return the runs of a kind, in the order in which they were started."""
        mine = [run for run in self.facts.runs if run.kind == kind]
        return [self._recorded(run) for run in sorted(mine, key=lambda run: (run.started, run.id))]

    def _recorded(self, run: BundledRun) -> RecordedRun:
        files = BundleFiles(self._archive, f"runs/{run.id}")
        manifest = Manifest.from_bytes(files.read(names.MANIFEST) or b"")
        return RecordedRun(
            run.id,
            {**manifest.tags, names.KEY: run.key},
            None,
            manifest,
            files,
            withheld=() if self.facts.masks else (names.MASK_FILE,),
            started=run.started,
            finished=run.finished,
        )

    def _read_facts(self) -> tuple[BundleFacts, list[str]]:
        try:
            if BUNDLE_FILE not in self._archive.names:
                raise ValueError("it is missing")
            facts, faults = facts_of(plain_json(self._archive.read(BUNDLE_FILE)))
        except ValueError as error:
            facts, faults = None, [str(error)[:200]]
        if facts is None:
            raise DataError(f"{self.path} is no bundle that this harness reads: {BUNDLE_FILE}: {faults[0]}", fix=_FIX)
        return facts, faults

    def _member_faults(self) -> list[Difference]:
        known, held = self.facts.members, self._archive.names - {BUNDLE_FILE}
        found = [
            Difference(name[:200], f"it is missing, and {BUNDLE_FILE} has it") for name in sorted(known.keys() - held)
        ]
        found += [Difference(name, f"{BUNDLE_FILE} does not know it") for name in sorted(held - known.keys())]
        wanted: set[str] = set()
        for run in self.facts.runs:
            own, faults = self._wanted(run)
            wanted |= own
            found += faults
        found += [Difference(name, "no run has such a file") for name in sorted(held - wanted)]
        found += [Difference(name, "it is missing, and its run has it") for name in sorted(wanted - held)]
        for name in sorted(held):
            found += [Difference(name, what) for what in self._content_faults(name)]
        return found

    def _wanted(self, run: BundledRun) -> tuple[set[str], list[Difference]]:
        """Return the members that a run must have by its manifest, and what is wrong with that.

        What a manifest lists that is not fit to be read says nothing of the others.
        """
        place = f"runs/{run.id}/{names.MANIFEST}"
        if place not in self._archive.names:
            return {place}, []
        content = self._archive.read(place)
        faults = manifest_faults(content)
        if faults:
            own = {name for name in self._archive.names if name.startswith(f"runs/{run.id}/")}
            return own, [Difference(place, what) for what in faults]
        try:
            manifest = Manifest.from_bytes(content)
        except ValueError as error:
            return {place}, [Difference(place, str(error))]
        if manifest.tags.get(names.KIND) != run.kind:
            faults.append(f"tags.{names.KIND}: is not {run.kind!r}, as {BUNDLE_FILE} has it")
        left = {names.MASK_FILE} if not self.facts.masks else set()
        files = {f"{level.folder}/{name}" for level in manifest.levels.values() for name in level.sha256 or ()}
        files = {name for name in files if name.rpartition("/")[2] not in left}
        members = {f"runs/{run.id}/{name}" for name in {names.MANIFEST, *manifest.documents, *files}}
        return members, [Difference(place, what) for what in faults]

    def _content_faults(self, name: str) -> Iterator[str]:
        content, told = self._archive.read(name), self.facts.members.get(name)
        if told is not None and len(content) != told.bytes:
            yield f"it has {len(content):,} bytes, {BUNDLE_FILE} says {told.bytes:,}"
        if told is not None and hashlib.sha256(content).hexdigest() != told.sha256:
            yield f"it does not have the sha256 that {BUNDLE_FILE} gives for it"
        yield from faults_of(name.rpartition("/")[2], content)
