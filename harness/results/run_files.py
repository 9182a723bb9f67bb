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
        self._listed: dict[str, dict[str, bool]] = {}
        self._fetched: dict[str, bytes] = {}

    def read(self, name: str) -> bytes | None:
        """Return a file's content, None where there is none."""
        if name in self._fetched:
            return self._fetched[name]
        if self._list(name.rpartition("/")[0]).get(name, True):
            return None
        with tempfile.TemporaryDirectory() as folder:
            return Path(self._client.download_artifacts(self._run_id, name, folder)).read_bytes()

    def folders(self, name: str) -> list[str]:
        """Return the paths of the folders in a folder, sorted; none where it is absent."""
        return sorted(path for path, is_folder in self._list(name).items() if is_folder)

    def fetch(self, name: str) -> None:
        """Bring a whole folder at once, several files at a time."""
        if not self._list("").get(name):
            return
        with tempfile.TemporaryDirectory() as folder:
            root = Path(self._client.download_artifacts(self._run_id, name, folder))
            found = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
            self._fetched |= {f"{name}/{path}": place.read_bytes() for path, place in found.items()}

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write files, the last one last."""
        self._listed.clear()
        self._fetched.clear()
        *others, last = files
        for names in (others, [last]):
            with tempfile.TemporaryDirectory() as folder:
                for name in names:
                    path = Path(folder) / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(files[name])
                self._client.log_artifacts(self._run_id, folder)

    def _list(self, folder: str) -> dict[str, bool]:
        """Return whether each path in a folder is a folder itself."""
        if folder not in self._listed:
            found = self._client.list_artifacts(self._run_id, folder or None)
            self._listed[folder] = {item.path: bool(item.is_dir) for item in found}
        return self._listed[folder]
