"""`harness data fetch NAME`: downloads what is missing or torn of a data set, and leaves alone what the user put there.

Whole, checked archives wait in a hidden folder until all are there; then their folders appear together, so that a
broken fetch leaves no part of a set that a run would take for all there is.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.data.completeness import label_faults, lacking
from harness.data.dataset import Dataset, RemoteFile
from harness.downloads.connection import HTTPS_ONLY, Policy
from harness.downloads.download import download
from harness.downloads.extraction import damage, record_unpacked, unpack, unpacked_files
from harness.downloads.rar import is_rar, require_program
from harness.downloads.sources_file import Source, first_use_note, known_hash, origin_of, read_sources, record
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
        if not (survey.lacking_files() or survey.lacking_folders() or (folder / _WORK).exists()):
            _require_complete(dataset, folder, survey.notes)
            return [*survey.notes, f"{dataset.name} is complete in {folder}: nothing to download"]
        waiting = f"Another process is fetching {dataset.name} into {folder}: waiting for it"
        with locked(folder / _LOCK, lambda: reporter.note(waiting)):
            survey = Survey(dataset, folder, reporter)
            _Fetch(survey, folder, folder / _WORK, policy).run()
        _require_complete(dataset, folder, survey.notes)
    return [*dict.fromkeys(survey.notes), f"{dataset.name} is complete in {folder}"]


def _require_addresses(dataset: Dataset) -> None:
    if dataset.simulated:
        raise UsageError(f"{dataset.name} is simulated and needs no download", fix="use it as it is")
    if not dataset.remote_files:
        raise UsageError(
            f"{dataset.name} cannot be downloaded: it names no addresses",
            fix="put its files into <data folder>/<name>; `harness data show` says where that is",
        )


def _require_complete(dataset: Dataset, folder: Path, notes: Sequence[str]) -> None:
    """Raise `DataError` where the user's own labels, which are kept, are not all of the publisher's."""
    if dataset.official_counts and (missing := lacking(dataset, folder)):
        raise DataError(
            f"{dataset.name} in {folder} is not complete, and what was put there by hand is kept",
            faults=[*map(str, missing), *label_faults(dataset, folder), *dict.fromkeys(notes)],
            fix="move it away and run the same command again",
        )


@dataclass
class _Fetch:
    """A fetch under the lock; what a killed one left in ``work`` is used where it is whole, and goes."""

    survey: Survey
    folder: Path
    work: Path
    policy: Policy

    def run(self) -> None:
        try:
            for remote in self.survey.lacking_files():
                self._record(remote, self._obtain(remote))
                move(self.work / remote.name, self.folder / remote.name)
            staged = {remote: self._stage(remote) for remote in self.survey.lacking_folders()}
            for remote, source in staged.items():
                self._record(remote, source)
                self._install(remote)
            shutil.rmtree(self.work, ignore_errors=True)
        finally:
            if not any((self.work / remote.name).exists() for remote in self.survey.dataset.remote_files):
                shutil.rmtree(self.work, ignore_errors=True)

    def _obtain(self, remote: RemoteFile) -> Source:
        """Return the source of the whole, checked file in ``work``, which a stopped fetch may have left there."""
        target, known = self.work / remote.name, known_hash(remote, self.folder)
        left = read_sources(self.work).get(remote.name)
        if left and target.is_file() and sha256_of(target) == left.sha256 and not (known and known.fault(target)):
            return left
        place = self.folder / remote.name
        url = download(remote.mirrors, target, known, self.survey.reporter, place=place, policy=self.policy)
        source = origin_of(remote, target, url)
        record(self.work, remote.name, source)
        return source

    def _stage(self, remote: RemoteFile) -> Source:
        """Unpack an archive, downloaded or put there by hand, into ``work``."""
        if is_rar(remote.name):  # before a download that would be of no use
            require_program(remote.name, self.folder / str(remote.unpacks_to))
        by_hand, downloaded = self.folder / remote.name, self.work / remote.name
        source = self._own_source(remote, by_hand) if by_hand.is_file() else self._obtain(remote)
        try:
            self._unpack(remote, by_hand if by_hand.is_file() else downloaded, source)
        except DataError:
            if not remote.has_published_hash:  # nobody vouches for it, and it is of no use
                downloaded.unlink(missing_ok=True)
            raise
        return source

    def _own_source(self, remote: RemoteFile, archive: Path) -> Source:
        """Return the source of a zip that the user downloaded. Raises `DataError` where it is another file."""
        source, known = origin_of(remote, archive, "put there by hand"), known_hash(remote, self.folder)
        if known is not None and (fault := known.fault(archive)):
            raise DataError(f"{archive} is not the publisher's file: {fault}", fix="remove it, or download it again")
        self.survey.notes.append(f"{archive} was put there by hand; it is unpacked and kept")
        return source

    def _unpack(self, remote: RemoteFile, archive: Path, source: Source) -> None:
        name = str(remote.unpacks_to)
        shutil.rmtree(self.work / name, ignore_errors=True)  # of a fetch that was killed
        with self.survey.reporter.task(f"Unpacking {archive.name}", None, "files") as task:
            manifest = unpack(archive, self.work / name, task.update)
        labelled = self.survey.labelled(self.folder / name)
        if missing := [path for path in labelled if path not in manifest]:
            raise DataError(
                f"{source.url} lacks {len(missing)} of {len(labelled)} labelled images, such as {missing[0]}; nothing"
                " of it is kept",
                fix=f"check that the label file in {self.folder} is the publisher's",
            )

    def _install(self, remote: RemoteFile) -> None:
        """Put a folder in place; in one that is there, replace what is torn and leave alone what is not ours."""
        staged, target = self.work / str(remote.unpacks_to), self.folder / str(remote.unpacks_to)
        if not target.exists() or not any(target.iterdir()):
            move(staged, target)
        else:
            manifest = unpacked_files(staged) or {}
            wrong = damage(target, manifest, lambda *_: None)
            for path in wrong:
                (target / path).parent.mkdir(parents=True, exist_ok=True)
                move(staged / path, target / path)
            record_unpacked(target, manifest)
            shown = ", ".join(f"{path} ({why})" for path, why in list(wrong.items())[:_NAMES_SHOWN])
            more = f" and {len(wrong) - _NAMES_SHOWN} more" if len(wrong) > _NAMES_SHOWN else ""
            self.survey.notes.append(f"{len(wrong)} files of {target} were mended: {shown}{more}")
        (self.work / remote.name).unlink(missing_ok=True)  # not there where the user downloaded it

    def _record(self, remote: RemoteFile, source: Source) -> None:
        if not remote.has_published_hash and remote.name not in read_sources(self.folder):
            self.survey.notes.append(first_use_note(remote, source.sha256))
        record(self.folder, remote.name, source)
