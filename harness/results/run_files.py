"""The files of one run: in the store that is asked, wherever it was moved or copied to, or where MLflow keeps them."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from harness.storage.disk import write_whole


class RunFiles(Protocol):
    """Files by their path in the run: ``levels/0.25/cell.json``."""

    def read(self, name: str) -> bytes | None:
        """Return a file's content, None where there is none."""

    def folders(self, name: str) -> list[str]:
        """Return the paths of the folders in a folder, sorted; none where it is absent."""

    def fetch(self, name: str) -> None:
        """Prepare for reading every file of a folder."""

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write files, the last one last."""


class LocalFiles:
    """Files below a folder. MLflow's own address of them is absolute: in a copied store it names the original."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, name: str) -> bytes | None:
        """Return a file's content, None where there is none."""
        path = self._root / name
        return path.read_bytes() if path.is_file() else None

    def folders(self, name: str) -> list[str]:
        """Return the paths of the folders in a folder, sorted; none where it is absent."""
        place = self._root / name
        return sorted(f"{name}/{path.name}" for path in place.iterdir() if path.is_dir()) if place.is_dir() else []

    def fetch(self, name: str) -> None:
        """Do nothing: the files are here."""

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write files, the last one last."""
        for name, content in files.items():
            path = self._root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)


class ServedFiles:
    """Files that an MLflow client brings and takes; ``client`` is an `MlflowClient`."""

    def __init__(self, client: Any, run_id: str) -> None:
        self._client, self._run_id = client, run_id
        self._listed: dict[str, dict[str, Any]] = {}
        self._fetched: dict[str, bytes] = {}

    def read(self, name: str) -> bytes | None:
        """Return a file's content, None where there is none."""
        if name in self._fetched:
            return self._fetched[name]
        listed = self._list(_folder(name)).get(name)
        if listed is None or listed.is_dir:
            return None
        with tempfile.TemporaryDirectory() as folder:
            return Path(self._client.download_artifacts(self._run_id, name, folder)).read_bytes()

    def folders(self, name: str) -> list[str]:
        """Return the paths of the folders in a folder, sorted; none where it is absent."""
        return sorted(path for path, listed in self._list(name).items() if listed.is_dir)

    def fetch(self, name: str) -> None:
        """Bring a whole folder at once, several files at a time."""
        if name not in self._list(""):
            return
        with tempfile.TemporaryDirectory() as folder:
            root = Path(self._client.download_artifacts(self._run_id, name, folder))
            found = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
            self._fetched |= {f"{name}/{path}": place.read_bytes() for path, place in found.items()}

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write files, the last one last. Raises `FileNotFoundError` where one is not there, or not whole, afterwards.

        Answering is not keeping: what stands between us and a server may take a file and lose it.
        """
        *others, last = files
        for names in (others, [last]):
            with tempfile.TemporaryDirectory() as folder:
                for name in names:
                    path = Path(folder) / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(files[name])
                self._client.log_artifacts(self._run_id, folder)
            self._listed.clear()
            self._fetched.clear()
            if lost := [name for name in names if not self._is_there(name, len(files[name]))]:
                more = f" and {len(lost) - 1} more files" if lost[1:] else ""
                raise FileNotFoundError(f"it answered that it took {lost[0]}{more}, and does not have it")

    def _is_there(self, name: str, size: int) -> bool:
        listed = self._list(_folder(name)).get(name)
        return listed is not None and listed.file_size in (size, None)  # not every store tells sizes

    def _list(self, folder: str) -> dict[str, Any]:
        """Return what MLflow says of each path in a folder."""
        if folder not in self._listed:
            found = self._client.list_artifacts(self._run_id, folder or None)
            self._listed[folder] = {item.path: item for item in found}
        return self._listed[folder]


def _folder(name: str) -> str:
    return name.rpartition("/")[0]
