"""What of a data set is on the disk, checked by hash: complete, to be fetched, or the user's own and left alone."""

from dataclasses import dataclass, field
from pathlib import Path

from harness.data.dataset import Dataset, RemoteFile
from harness.data.labelled import labelled
from harness.downloads.download import Known
from harness.downloads.extraction import MANIFEST, damage, unpacked_files
from harness.downloads.sources_file import known_hash, read_sources
from harness.errors import DataError, DatasetNotFound
from harness.progress import Reporter

_NAMES_SHOWN = 10


@dataclass
class Survey:
    """Asks for each remote file of ``dataset`` whether ``folder`` has it; ``notes`` say what was found amiss."""

    dataset: Dataset
    folder: Path
    reporter: Reporter
    notes: list[str] = field(default_factory=list)

    def lacking_files(self) -> list[RemoteFile]:
        """Return the files to fetch that are used as they are, such as labels."""
        plain = [remote for remote in self.dataset.remote_files if remote.unpacks_to is None]
        return [remote for remote in plain if not self._has_file(remote)]

    def lacking_folders(self) -> list[RemoteFile]:
        """Return the archives to fetch; asked for once no other file is lacking: labels say what belongs into a folder.

        Raises `DataError` for a folder of the user's own that is incomplete: it is neither filled up nor replaced.
        """
        archives = [remote for remote in self.dataset.remote_files if remote.unpacks_to is not None]
        return [remote for remote in archives if not self._has_folder(self.folder / str(remote.unpacks_to))]

    def labelled(self, target: Path) -> list[str]:
        """Return the paths, inside the folder ``target``, of all labelled images that belong there."""
        return [path.relative_to(target).as_posix() for path in self._paths() if path.is_relative_to(target)]

    def _paths(self) -> list[Path]:
        try:
            samples = labelled(self.dataset, self.folder)
        except DatasetNotFound:  # a data set whose labels come with its images
            return []
        return [sample.path for sample in samples if sample.path is not None]

    def _has_file(self, remote: RemoteFile) -> bool:
        path = self.folder / remote.name
        if not path.is_file():
            return False
        seen = Known(remote.seen_sha256, "known copies") if remote.seen_sha256 else None
        known = known_hash(remote, self.folder) or seen
        if known is None or not (fault := known.fault(path)):
            return True
        if remote.name in read_sources(self.folder):
            self.notes.append(f"{path} was torn or changed after it was downloaded: it is downloaded again")
            return False
        self.notes.append(f"{path} was put there by hand and is kept; {fault}. Move it away to download it")
        return True

    def _has_folder(self, target: Path) -> bool:
        manifest = unpacked_files(target)
        if manifest is None:
            return self._has_own_folder(target)
        with self.reporter.task(f"Checking {target.name}", None, "files") as task:
            return bool(manifest) and not damage(target, manifest, task.update)

    def _has_own_folder(self, target: Path) -> bool:
        labelled = self.labelled(target)
        if not target.is_dir() or not any(target.iterdir()):
            return not labelled and self._lies_elsewhere()
        if missing := [path for path in labelled if not (target / path).is_file()]:
            hidden = len(missing) - _NAMES_SHOWN
            raise DataError(
                f"{target} was put there by hand (it has no {MANIFEST}) and lacks {len(missing)} of {len(labelled)}"
                " labelled images; it is left as it is, since images of two origins must not be mixed unseen",
                faults=missing[:_NAMES_SHOWN] + ([f"and {hidden} more"] if hidden > 0 else []),
                fix="move the folder away and run the same command again, or add the missing images by hand",
            )
        self.notes.append(f"{target} was put there by hand; it has all {len(labelled)} labelled images and is kept")
        return True

    def _lies_elsewhere(self) -> bool:
        """Return whether the user has the images in folders of other names, as sets allow that find them by class."""
        if elsewhere := self._paths():
            self.notes.append(f"{len(elsewhere)} images were put below {self.folder} by hand and are kept")
        return bool(elsewhere)
