"""Files of a run in a folder, and those that a client lists, brings and takes."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.results.run_files import LocalFiles, ServedFiles


class Client:
    """As much of an MLflow client as files need, on a folder."""

    def __init__(self, root):
        self.root, self.taken, self.brought = root, [], []

    def list_artifacts(self, _, folder):
        place = self.root / (folder or "")
        found = place.iterdir() if place.is_dir() else []
        return [self.listed(path) for path in found]

    def listed(self, path):
        size = None if path.is_dir() else path.stat().st_size
        return SimpleNamespace(path=str(path.relative_to(self.root)), is_dir=path.is_dir(), file_size=size)

    def download_artifacts(self, _, name, folder):
        self.brought.append(name)
        place = Path(folder) / name
        if (self.root / name).is_dir():
            return shutil.copytree(self.root / name, place)
        place.parent.mkdir(parents=True, exist_ok=True)
        return shutil.copyfile(self.root / name, place)

    def log_artifacts(self, _, folder):
        sent = LocalFiles(self.root)
        names = sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())
        self.taken.append(names)
        sent.write({name: (Path(folder) / name).read_bytes() for name in names})


@pytest.fixture(params=["local", "served"])
def files(request, tmp_path):
    return LocalFiles(tmp_path) if request.param == "local" else ServedFiles(Client(tmp_path), "run")


def test_what_is_written_is_read_and_listed_and_what_is_absent_is_none(files):
    assert files.read("levels/1.0/cell.json") is None
    assert files.folders("levels") == []
    files.write({"levels/1.0/cell.json": b"1", "levels/0.5/cell.json": b"2", "plan.json": b"3"})
    assert files.read("levels/0.5/cell.json") == b"2"
    assert files.read("plan.json") == b"3"
    assert files.read("levels/0.5") is None
    assert files.folders("levels") == ["levels/0.5", "levels/1.0"]
    files.write({"plan.json": b"4"})
    assert files.read("plan.json") == b"4"


def test_a_folder_is_fetched_whole_and_what_is_written_later_is_read(files, tmp_path):
    files.fetch("levels")
    files.write({"levels/1.0/cell.json": b"1", "plan.json": b"3"})
    files.fetch("levels")
    assert files.read("levels/1.0/cell.json") == b"1"
    assert files.read("levels/1.0/mask.npz") is None
    files.write({"levels/1.0/cell.json": b"2"})
    assert files.read("levels/1.0/cell.json") == b"2"


def test_what_was_fetched_is_brought_once(tmp_path):
    client = Client(tmp_path)
    LocalFiles(tmp_path).write({"levels/1.0/a": b"1", "levels/1.0/b": b"2"})
    served = ServedFiles(client, "run")
    served.fetch("levels")
    assert [served.read(f"levels/1.0/{name}") for name in "ab"] == [b"1", b"2"]
    assert client.brought == ["levels"]


def test_a_server_gets_the_last_file_last(tmp_path):
    client = Client(tmp_path)
    ServedFiles(client, "run").write({"b": b"", "a": b"", "manifest.json": b""})
    assert client.taken == [["a", "b"], ["manifest.json"]]


class Forgetful(Client):
    """Answers as if it had taken everything, and makes of the content of each file what it ``keeps``."""

    def __init__(self, root, keeps):
        super().__init__(root)
        self.keeps = keeps

    def log_artifacts(self, run, folder):
        super().log_artifacts(run, folder)
        for name in self.taken[-1]:
            path = self.root / name
            kept = self.keeps(name, path.read_bytes())
            path.unlink() if kept is None else path.write_bytes(kept)


@pytest.mark.parametrize("kept", [None, b"", b"hal"])
def test_a_file_that_a_server_takes_and_does_not_keep_is_named_and_the_list_of_files_is_not_sent(tmp_path, kept):
    client = Forgetful(tmp_path, lambda name, content: kept if name.endswith("mask.npz") else content)
    files = {"levels/1.0/cell.json": b"whole", "levels/1.0/mask.npz": b"half", "manifest.json": b"{}"}
    with pytest.raises(OSError, match=r"it took levels/1\.0/mask\.npz, and does not have it"):
        ServedFiles(client, "run").write(files)
    assert client.taken == [["levels/1.0/cell.json", "levels/1.0/mask.npz"]]


def test_where_the_list_of_files_itself_is_lost_it_is_named(tmp_path):
    client = Forgetful(tmp_path, lambda name, content: None if name == "manifest.json" else content)
    with pytest.raises(OSError, match=r"it took manifest\.json, and does not"):
        ServedFiles(client, "run").write({"plan.json": b"{}", "manifest.json": b"{}"})


def test_a_store_that_tells_no_sizes_is_believed_what_it_lists(tmp_path):
    client = Client(tmp_path)
    client.listed = lambda path: SimpleNamespace(path=path.name, is_dir=False, file_size=None)
    ServedFiles(client, "run").write({"plan.json": b"{}", "manifest.json": b"{}"})
