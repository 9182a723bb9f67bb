"""`harness data fetch NAME`: downloads what is missing or torn of a data set, and leaves alone what the user put there.

Whole, checked archives wait in a hidden folder until all are there; then their folders appear together, so that a
broken fetch leaves no part of a set that a run would take for all there is.
"""

import contextlib
import os
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from harness.data.dataset import Dataset, RemoteFile
from harness.downloads.connection import HTTPS_ONLY, Policy
from harness.downloads.download import Download, download
from harness.downloads.extraction import Manifest, damage, record_unpacked, unpack
from harness.downloads.sources_file import (
    FIRST_USE,
    PUBLISHED,
    SOURCES,
    Source,
    first_use_note,
    known_hash,
    read_sources,
    record,
)
from harness.downloads.survey import Survey
from harness.errors import DataError, UsageError
from harness.progress import Reporter
from harness.storage.disk import disk_errors, locked, move, sha256_of

_WORK = ".fetch"
_LOCK = ".fetch.lock"
_NAMES_SHOWN = 10


def fetch(dataset: Dataset, folder: Path, reporter: Reporter, *, policy: Policy = HTTPS_ONLY) -> list[str]:
    """Bring ``folder``, which is ``<data folder>/<name>``, to completeness and return notes for the user.

    Nothing is downloaded or written where all is there. Raises `UsageError` for a data set without remote files,
    `DataError` for downloads that are not the publisher's and for an incomplete folder of the user's own;
    `MachineError` for network, disk and HARNESS_OFFLINE.
    """
    _require_addresses(dataset)
    with disk_errors(folder):
        survey = Survey(dataset, folder, reporter)
        if not survey.lacking() and not (folder / _WORK).exists():
            return [*survey.notes, f"{dataset.name} is complete in {folder}: nothing to download"]
        waiting = f"Another process is fetching {dataset.name} into {folder}: waiting for it"
        with locked(folder / _LOCK, lambda: reporter.note(waiting)):
            return _Fetch(dataset, folder, reporter, policy).run()


def _require_addresses(dataset: Dataset) -> None:
    if dataset.simulated:
        raise UsageError(f"{dataset.name} is simulated and needs no download", fix="use it as it is")
    if not dataset.remote_files:
        raise UsageError(
            f"{dataset.name} cannot be downloaded: it names no addresses",
            fix="put its files into <data folder>/<name>; `harness data show` says where that is",
        )


@dataclass
class _Staged:
    """A zip's unpacked folder, waiting to be put in place."""

    remote: RemoteFile
    source: Source
    folder: Path
    manifest: Manifest


@dataclass
class _Fetch:
    dataset: Dataset
    folder: Path
    reporter: Reporter
    policy: Policy
    notes: list[str] = field(default_factory=list)

    def run(self) -> list[str]:
        """Fetch under the lock; what a killed process left goes first."""
        work = self.folder / _WORK
        self._sweep(work)
        try:
            for remote in self._lacking():
                if remote.unpacks_to is None:
                    self._bring_file(remote, work)
            staged = [self._stage(remote, work) for remote in self._lacking()]
            for one in staged:
                self._install(one)
        finally:
            if not any((work / remote.name).exists() for remote in self.dataset.remote_files):
                shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(work, ignore_errors=True)
        return [*dict.fromkeys(self.notes), f"{self.dataset.name} is complete in {self.folder}"]

    def _lacking(self) -> list[RemoteFile]:
        survey = Survey(self.dataset, self.folder, self.reporter, self.notes)
        return survey.lacking()

    def _sweep(self, work: Path) -> None:
        kept = {SOURCES, *(remote.name for remote in self.dataset.remote_files)}
        work.mkdir(parents=True, exist_ok=True)
        for path in work.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name not in kept:
                path.unlink()

    def _bring_file(self, remote: RemoteFile, work: Path) -> None:
        source = self._obtain(remote, work)
        self._record(remote, source)
        move(work / remote.name, self.folder / remote.name)

    def _obtain(self, remote: RemoteFile, work: Path) -> Source:
        """Return the source of the whole, checked file in ``work``, which a stopped fetch may have left there."""
        target = work / remote.name
        known = known_hash(remote, self.folder)
        left = read_sources(work).get(remote.name)
        if left and target.is_file() and sha256_of(target) == left.sha256 == (known or left).sha256:
            return left
        found = download(
            remote.mirrors, target, known, self.reporter, place=self.folder / remote.name, policy=self.policy
        )
        source = _source(remote, found)
        record(work, remote.name, source)
        return source

    def _stage(self, remote: RemoteFile, work: Path) -> _Staged:
        by_hand = self.folder / remote.name
        if by_hand.is_file():
            return self._unpacked(remote, by_hand, self._own_source(remote, by_hand), work)
        source = self._obtain(remote, work)
        try:
            return self._unpacked(remote, work / remote.name, source, work)
        except DataError:
            if remote.sha256 is None:  # nobody vouches for it, and it is of no use
                (work / remote.name).unlink()
            raise

    def _own_source(self, remote: RemoteFile, archive: Path) -> Source:
        """Return the source of a zip that the user downloaded. Raises `DataError` where it is another file."""
        found = Download("put there by hand", archive.stat().st_size, sha256_of(archive))
        known = known_hash(remote, self.folder)
        if known is not None and found.sha256 != known.sha256:
            raise DataError(
                f"{archive} is not the publisher's file: its sha256 is {found.sha256}, not {known.sha256}"
                f" ({known.origin})",
                fix="remove it, or download it again",
            )
        self.notes.append(f"{archive} was put there by hand; it is unpacked and kept")
        return _source(remote, found)

    def _unpacked(self, remote: RemoteFile, archive: Path, source: Source, work: Path) -> _Staged:
        name = str(remote.unpacks_to)
        with self.reporter.task(f"Unpacking {archive.name}", None, "files") as task:
            manifest = unpack(archive, work / name, task.update)
        labelled = Survey(self.dataset, self.folder, self.reporter).labelled(self.folder / name)
        if missing := [path for path in labelled if path not in manifest]:
            raise DataError(
                f"{source.url} lacks {len(missing)} of {len(labelled)} labelled images, such as {missing[0]}; nothing"
                " of it is kept",
                fix=f"check that the label file in {self.folder} is the publisher's",
            )
        return _Staged(remote, source, work / name, manifest)

    def _install(self, staged: _Staged) -> None:
        """Put a folder in place; in one that is there, replace what is torn and leave alone what is not ours."""
        self._record(staged.remote, staged.source)
        target = self.folder / str(staged.remote.unpacks_to)
        if not target.exists() or not any(target.iterdir()):
            move(staged.folder, target)
        else:
            wrong = damage(target, staged.manifest, lambda *_: None)
            for path in wrong:
                (target / path).parent.mkdir(parents=True, exist_ok=True)
                move(staged.folder / path, target / path)
            record_unpacked(target, staged.manifest)
            shown = ", ".join(f"{path} ({why})" for path, why in list(wrong.items())[:_NAMES_SHOWN])
            more = f" and {len(wrong) - _NAMES_SHOWN} more" if len(wrong) > _NAMES_SHOWN else ""
            self.notes.append(f"{len(wrong)} files of {target} were mended: {shown}{more}")
        with contextlib.suppress(FileNotFoundError):  # where the user downloaded it
            os.unlink(staged.folder.parent / staged.remote.name)

    def _record(self, remote: RemoteFile, source: Source) -> None:
        if remote.sha256 is None and remote.name not in read_sources(self.folder):
            self.notes.append(first_use_note(remote, source.sha256))
        record(self.folder, remote.name, source)


def _source(remote: RemoteFile, found: Download) -> Source:
    date = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Source(found.url, found.size, found.sha256, date, PUBLISHED if remote.sha256 else FIRST_USE)
