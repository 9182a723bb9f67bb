import hashlib
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from harness import plugins
from harness.data import FileDataset, RemoteFile, Sample
from harness.data.asked import load_dataset
from harness.datasets.isic import Isic
from harness.datasets.isic_sim import IsicSim
from harness.downloads import fetching
from harness.downloads.extraction import MANIFEST, damage, unpacked_files
from harness.downloads.fetching import fetch
from harness.downloads.sources_file import SOURCES
from harness.errors import DataError, HarnessError, MachineError, NetworkError, UsageError

pytestmark = pytest.mark.slow

IMAGES = {split: [f"{split}-{number}.jpg" for number in range(4)] for split in ("train", "test")}
LABELS = "".join(f"{name}\n" for names in IMAGES.values() for name in names).encode()


class Little(FileDataset):
    """Three remote files: labels with a hash that copies have, training images with a published one, test with none."""

    name = "little"

    def __init__(self, remote_files):
        self.remote_files = remote_files

    def samples(self, folder):
        splits = {name: name.split("-")[0] for name in sorted((folder / "labels.csv").read_text().splitlines())}
        return [Sample(id=name, label=0, path=folder / split / name, split=split) for name, split in splits.items()]


def image(name, version=1):
    return f"{name} {version}".encode() * 500


def sha(content):
    return hashlib.sha256(content).hexdigest()


def zipped(path, split, version=1, names=None):
    with zipfile.ZipFile(path, "w") as archive:
        for name in IMAGES[split] if names is None else names:
            archive.writestr(zipfile.ZipInfo(f"{split}/{name}"), image(name, version))
    return path.read_bytes()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data" / "little"


@pytest.fixture
def zips(tmp_path):
    return {split: zipped(tmp_path / f"{split}-made.zip", split) for split in IMAGES}


@pytest.fixture
def dataset(server, zips):
    contents = {"labels.csv": LABELS, "train.zip": zips["train"], "test.zip": zips["test"]}
    urls = {name: server.give(f"/{name}", content) for name, content in contents.items()}
    return Little(
        (
            RemoteFile(name="train.zip", mirrors=(urls["train.zip"],), sha256=sha(zips["train"]), unpacks_to="train"),
            RemoteFile(name="test.zip", mirrors=(urls["test.zip"],), unpacks_to="test"),
            RemoteFile(name="labels.csv", mirrors=(urls["labels.csv"],), seen_sha256=sha(LABELS)),
        )
    )


@pytest.fixture
def bring(dataset, folder, reporter, policy):
    """Return a function that fetches and gives the notes as one text."""
    return lambda: "\n".join(fetch(dataset, folder, reporter, policy=policy))


def refused(bring, kind):
    with pytest.raises(HarnessError) as caught:
        bring()
    assert type(caught.value) is kind
    assert caught.value.fix
    return str(caught.value)


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_complete(folder):
    assert (folder / "labels.csv").read_bytes() == LABELS
    for split, names in IMAGES.items():
        for name in names:
            assert (folder / split / name).read_bytes() == image(name)
        manifest = unpacked_files(folder / split)
        assert sorted(manifest) == sorted(names)
        assert damage(folder / split, manifest, lambda *_: None) == {}
    assert not list(folder.glob("*.zip"))
    assert not (folder / ".fetch").exists()
    assert not list(folder.rglob("*.part"))


def sources(folder):
    return json.loads((folder / SOURCES).read_text())


# --- what goes well


def test_a_set_is_fetched_whole_and_its_sources_recorded(server, bring, folder, zips):
    notes = bring()
    assert_complete(folder)
    found = sources(folder)
    assert {name: entry["hash"] for name, entry in found.items()} == {
        "train.zip": "published hash",
        "test.zip": "recorded on first use",
        "labels.csv": "recorded on first use",
    }
    for name, content in (("train.zip", zips["train"]), ("test.zip", zips["test"]), ("labels.csv", LABELS)):
        assert found[name]["url"] == server.url(f"/{name}")
        assert found[name]["size"] == len(content)
        assert found[name]["sha256"] == sha(content)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found[name]["date"])
    assert f"test.zip has no published hash: its sha256 {sha(zips['test'])} is recorded" in notes
    assert "labels.csv has no published hash" in notes
    assert "It is that of known copies" in notes
    assert "train.zip has no published hash" not in notes
    assert server.asked[0] == "/labels.csv"


def test_a_complete_set_is_left_alone_without_network_or_writing(server, bring, folder, monkeypatch):
    bring()
    before, asked = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}, len(server.asked)
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    monkeypatch.setattr(fetching, "locked", lambda *_: pytest.fail("a read-only folder has no lock"))
    assert "nothing to download" in bring()
    assert len(server.asked) == asked
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_labels_that_differ_from_known_copies_are_said_not_refused(server, bring, folder):
    other = LABELS.replace(b"\n", b"\r\n")
    server.give("/labels.csv", other)
    assert f"Known copies have another, {sha(LABELS)}" in bring()
    assert (folder / "labels.csv").read_bytes() == other


def test_folders_appear_only_when_all_are_there(server, bring, folder):
    # A run would take a set of one split for a damaged one.
    del server.answers["/test.zip"]
    refused(bring, NetworkError)
    assert not (folder / "train").exists()
    assert not (folder / "test").exists()


def test_a_whole_archive_is_not_downloaded_again_after_a_failure(server, bring, folder, zips):
    del server.answers["/test.zip"]
    refused(bring, NetworkError)
    server.give("/test.zip", zips["test"])
    server.asked.clear()
    bring()
    assert server.asked == ["/test.zip"]
    assert_complete(folder)
    assert sources(folder)["train.zip"]["url"] == server.url("/train.zip")


def test_an_archive_that_rotted_while_it_waited_is_downloaded_again(server, bring, folder, zips):
    del server.answers["/test.zip"]
    refused(bring, NetworkError)
    (folder / ".fetch" / "train.zip").write_bytes(zips["train"][:-1])
    server.give("/test.zip", zips["test"])
    bring()
    assert_complete(folder)


def test_an_archive_that_waited_while_its_hash_became_known_is_checked_again(server, bring, dataset, folder, tmp_path):
    del server.answers["/test.zip"]
    refused(bring, NetworkError)
    corrected = zipped(tmp_path / "corrected.zip", "train", version=2)
    server.give("/train.zip", corrected)
    server.give("/test.zip", zipped(tmp_path / "test.zip", "test"))
    dataset.remote_files = (replace(dataset.remote_files[0], sha256=sha(corrected)), *dataset.remote_files[1:])
    bring()
    assert (folder / "train" / "train-0.jpg").read_bytes() == image("train-0.jpg", 2)


@pytest.mark.parametrize("by_hand", [["train"], ["train", "test"]])
def test_an_archive_that_is_no_longer_needed_does_not_stay(server, bring, folder, zips, by_hand):
    del server.answers["/test.zip"]
    refused(bring, NetworkError)
    for split in by_hand:
        hand_made(folder, split)
    server.give("/test.zip", zips["test"])
    bring()
    assert not (folder / ".fetch").exists()


def test_a_failure_of_the_first_file_leaves_no_data(server, bring, folder):
    server.answers.clear()
    refused(bring, NetworkError)
    assert list(tree(folder)) == [".fetch.lock"]


def test_an_unreachable_network_is_asked_for_one_file_only(server, bring, said):
    server.answers.clear()
    refused(bring, NetworkError)
    assert server.asked == ["/labels.csv"]


# --- mending


@pytest.mark.parametrize("damage", [b"", b"torn", image("train-1.jpg").upper(), None])
def test_a_torn_changed_or_missing_image_is_healed(server, bring, folder, damage):
    bring()
    path = folder / "train" / "train-1.jpg"
    path.unlink() if damage is None else path.write_bytes(damage)
    (folder / "train" / "notes.txt").write_text("the user's own")
    untouched = folder / "train" / "train-2.jpg"
    before = untouched.stat().st_ino
    server.asked.clear()
    notes = bring()
    assert f"train-1.jpg ({'missing' if damage is None else 'changed'})" in notes
    assert server.asked == ["/train.zip"]
    assert_complete(folder)
    assert (folder / "train" / "notes.txt").read_text() == "the user's own"
    assert untouched.stat().st_ino == before


def test_a_torn_manifest_is_healed(bring, folder):
    bring()
    path = folder / "test" / MANIFEST
    path.write_bytes(path.read_bytes()[:100])
    bring()
    assert_complete(folder)


@pytest.mark.parametrize("damage", [b"torn", None])
def test_torn_labels_are_healed(bring, folder, damage):
    bring()
    path = folder / "labels.csv"
    path.unlink() if damage is None else path.write_bytes(damage)
    notes = bring()
    assert ("torn or changed" in notes) == (damage is not None)
    assert_complete(folder)


def test_a_lost_folder_is_fetched_again(bring, folder):
    bring()
    shutil.rmtree(folder / "test")
    (folder / "test").mkdir()
    assert "has no published hash" not in bring()  # said at the first use
    assert_complete(folder)


# --- hashes


def test_a_wrong_published_hash_keeps_nothing(server, bring, folder, zips):
    server.give("/train.zip", zips["test"])
    text = refused(bring, DataError)
    assert f"{sha(zips['test'])}, not {sha(zips['train'])} (published)" in text
    assert server.url("/train.zip") in text
    assert sorted(tree(folder)) == [".fetch.lock", SOURCES, "labels.csv"]


def test_a_change_upstream_after_the_first_use_is_refused_with_both_hashes(server, bring, folder, zips, tmp_path):
    bring()
    shutil.rmtree(folder / "test")
    changed = zipped(tmp_path / "new.zip", "test", version=2)
    server.give("/test.zip", changed)
    text = refused(bring, DataError)
    assert f"{sha(changed)}, not {sha(zips['test'])} (recorded on first use" in text
    assert str(folder / SOURCES) in text
    assert not (folder / "test").exists()
    assert sources(folder)["test.zip"]["sha256"] == sha(zips["test"])
    server.give("/test.zip", zips["test"])
    bring()
    assert_complete(folder)


@pytest.mark.parametrize("content", ["{", "[]", '{"train.zip": {"size": 1}}', '{"train.zip": 3}'])
def test_unreadable_sources_are_refused(bring, folder, content):
    bring()
    shutil.rmtree(folder / "test")
    (folder / SOURCES).write_text(content)
    assert str(folder / SOURCES) in refused(bring, DataError)


def test_an_archive_that_lacks_labelled_images_is_neither_installed_nor_recorded(server, bring, folder, tmp_path):
    server.give("/test.zip", zipped(tmp_path / "few.zip", "test", names=IMAGES["test"][:3]))
    assert "lacks 1 of 4 labelled images, such as test-3.jpg" in refused(bring, DataError)
    assert not (folder / "test").exists()
    assert "test.zip" not in sources(folder)
    assert not (folder / ".fetch" / "test.zip").exists()


def test_an_evil_archive_is_neither_installed_nor_recorded(server, bring, folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("test/../../evil", b"x")
    server.give("/test.zip", (tmp_path / "evil.zip").read_bytes())
    assert "'test/../../evil'" in refused(bring, DataError)
    assert "test.zip" not in sources(folder)
    assert not list(folder.parent.rglob("evil*"))


# --- what the user put there


def hand_made(folder, split, names=None):
    (folder / split).mkdir(parents=True)
    for name in IMAGES[split] if names is None else names:
        (folder / split / name).write_bytes(b"the user's own")


def test_a_complete_folder_of_the_users_own_is_left_alone(server, bring, folder):
    hand_made(folder, "train")
    notes = bring()
    assert f"{folder / 'train'} was put there by hand; it has all 4 labelled images and is kept" in notes
    assert (folder / "train" / "train-0.jpg").read_bytes() == b"the user's own"
    assert server.asked == ["/labels.csv", "/test.zip"]
    assert unpacked_files(folder / "train") is None


@pytest.mark.parametrize("names", [IMAGES["train"][:3], ["unrelated.txt"]])
def test_an_incomplete_folder_of_the_users_own_is_refused_before_a_large_download(server, bring, folder, names):
    hand_made(folder, "train", names)
    text = refused(bring, DataError)
    assert f"{folder / 'train'} was put there by hand" in text
    assert "train-3.jpg" in text
    assert "move the folder away" in text
    assert server.asked == ["/labels.csv"]
    assert sorted(os.listdir(folder / "train")) == sorted(names)


def test_labels_of_the_users_own_are_kept_and_their_hash_said(server, bring, folder):
    own = LABELS.replace(b"\n", b"\r\n")
    folder.mkdir(parents=True)
    (folder / "labels.csv").write_bytes(own)
    notes = bring()
    assert f"{folder / 'labels.csv'} was put there by hand and is kept; its sha256 is {sha(own)}" in notes
    assert sha(LABELS) in notes
    assert (folder / "labels.csv").read_bytes() == own
    assert "/labels.csv" not in server.asked


def test_files_downloaded_by_hand_are_checked_and_unpacked_offline(server, bring, folder, zips, monkeypatch):
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    folder.mkdir(parents=True)
    (folder / "labels.csv").write_bytes(LABELS)
    for split, content in zips.items():
        (folder / f"{split}.zip").write_bytes(content)
    notes = bring()
    assert "train.zip was put there by hand; it is unpacked and kept" in notes
    assert (folder / "train.zip").read_bytes() == zips["train"]
    assert sources(folder)["test.zip"]["url"] == "put there by hand"
    for split in IMAGES:
        (folder / f"{split}.zip").unlink()
    assert_complete(folder)
    assert server.asked == []


def test_another_file_under_the_name_of_a_hand_downloaded_one_is_refused(server, bring, folder, zips):
    folder.mkdir(parents=True)
    (folder / "train.zip").write_bytes(zips["test"])
    text = refused(bring, DataError)
    assert f"{sha(zips['test'])}, not {sha(zips['train'])}" in text
    assert (folder / "train.zip").exists()


def test_offline_says_what_is_missing_and_the_way_by_hand(server, bring, folder, dataset, monkeypatch):
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    text = refused(bring, NetworkError)
    assert "HARNESS_OFFLINE=1 forbids the network" in text
    assert f"by hand to {folder / 'labels.csv'}: {server.url('/labels.csv')}" in text
    (folder / "labels.csv").write_bytes(LABELS)
    assert f"by hand to {folder / 'train.zip'}: {server.url('/train.zip')}" in refused(bring, NetworkError)


# --- what cannot be fetched


def test_a_simulated_set_needs_no_download(tmp_path, reporter):
    with pytest.raises(UsageError, match="isic-sim is simulated and needs no download"):
        fetch(IsicSim(), tmp_path / "isic-sim", reporter)
    assert not list(tmp_path.iterdir())


def test_a_set_without_addresses_cannot_be_fetched(tmp_path, reporter):
    with pytest.raises(UsageError, match="little cannot be downloaded"):
        fetch(Little(()), tmp_path / "little", reporter)


# --- killed, and two at once


CHILD = f"""
import sys
from pathlib import Path
from rich.console import Console
from harness.downloads.connection import Policy
from harness.data import FileDataset, RemoteFile, Sample
from harness.downloads.fetching import fetch
from harness.progress import Reporter
{inspect.getsource(Little)}
files = tuple(
    RemoteFile(name=name, mirrors=(sys.argv[2] + name,), unpacks_to=None if name == "labels.csv" else name[:-4])
    for name in ("labels.csv", "train.zip", "test.zip")
)
reporter = Reporter(Console(width=200))
fetch(Little(files), Path(sys.argv[1]), reporter, policy=Policy(schemes=("http",)))
"""


def child(server, folder):
    command = [sys.executable, "-P", "-c", CHILD, str(folder), server.url("/")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_killed_fetch_goes_on_where_it_was(server, bring, folder, zips):
    bring()  # warm: the labels' hash and sources
    for split in IMAGES:
        shutil.rmtree(folder / split)
    asked, end = threading.Event(), threading.Event()

    def hang(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(zips["test"])))
        handler.end_headers()
        handler.wfile.write(zips["test"][:100])
        asked.set()
        end.wait(10)

    server.route("/test.zip", hang)
    with child(server, folder) as process:
        assert asked.wait(20)
        while not (folder / ".fetch" / ".test.zip.part").exists():
            time.sleep(0.01)
        process.kill()
        process.communicate()
    end.set()
    (folder / ".fetch" / ".train.part").mkdir()  # as if killed while unpacking
    (folder / ".fetch" / "train" / "inner").mkdir(parents=True, exist_ok=True)
    assert not (folder / "train").exists()
    server.give("/test.zip", zips["test"])
    server.asked.clear()
    bring()
    assert_complete(folder)
    assert server.asked == ["/test.zip"]


def test_of_two_fetches_the_second_waits_and_finds_it_done(server, bring, folder, zips):
    asked, go_on = threading.Event(), threading.Event()
    server.give("/train.zip", zips["train"])
    whole = server.answers["/train.zip"]

    def slow(handler):
        asked.set()
        go_on.wait(10)
        whole(handler)

    server.route("/train.zip", slow)
    with child(server, folder) as first, child(server, folder) as second:
        assert asked.wait(20)
        waiting = "waiting for it" in "".join(iter_until(first, second, "waiting for it"))
        go_on.set()
        assert waiting
        results = [process.communicate(timeout=20) for process in (first, second)]
    assert [process.returncode for process in (first, second)] == [0, 0], results
    assert sorted(server.asked) == ["/labels.csv", "/test.zip", "/train.zip"]
    assert_complete(folder)


def iter_until(first, second, text):
    """Yield lines of either process until one has the text: which of them waits is chance."""
    found = threading.Event()
    lines = []

    def read(process):
        for line in process.stdout:
            lines.append(line)
            if text in line:
                found.set()
                return
            if "Downloading train.zip" in line:
                return

    for process in (first, second):
        threading.Thread(target=read, args=(process,), daemon=True).start()
    assert found.wait(20), lines
    return lines


# --- the disk


def test_a_read_only_place_is_named(server, bring, folder):
    folder.parent.mkdir()
    folder.write_text("a file in the way")
    assert str(folder) in refused(bring, MachineError)


def test_a_disk_full_while_a_set_is_put_in_place_leaves_it_mendable(server, bring, folder, monkeypatch):
    replace = os.replace

    def full(source, target):
        if str(target) == str(folder / "test"):
            raise OSError(28, os.strerror(28), str(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    assert "No space left on device" in refused(bring, MachineError)
    monkeypatch.setattr(os, "replace", replace)
    bring()
    assert_complete(folder)


# --- what the data sets declare


def test_every_declared_file_has_https_addresses_and_whole_hashes():
    names = plugins.available(plugins.DATASETS).keys() - {"csv", "folder"}  # of a user's own images: nothing to fetch
    datasets = [load_dataset(name) for name in names]
    files = [remote for dataset in datasets if isinstance(dataset, FileDataset) for remote in dataset.remote_files]
    assert files
    for remote in files:
        assert remote.mirrors
        for url in remote.mirrors:
            assert re.fullmatch(r"https://[a-z0-9.-]+/[A-Za-z0-9_/.-]+", url)
        for value in (remote.sha256, remote.seen_sha256):
            assert value is None or re.fullmatch("[0-9a-f]{64}", value)
        assert (remote.unpacks_to is None) == (not remote.name.endswith((".zip", ".rar")))
        assert Path(remote.name).name == remote.name


def test_the_four_files_of_isic_are_declared_with_both_mirrors():
    files = {remote.name: remote for remote in Isic.remote_files}
    assert sorted(files) == [f"ISBI2016_ISIC_Part3_{name}" for name in ("Test_Data.zip", "Test_GroundTruth.csv")] + [
        f"ISBI2016_ISIC_Part3_{name}" for name in ("Training_Data.zip", "Training_GroundTruth.csv")
    ]
    assert all(len(remote.mirrors) == 2 for remote in files.values())
    # The published ones are known; the test files' must be recorded.
    assert [name for name, remote in files.items() if remote.sha256 is None] == [
        "ISBI2016_ISIC_Part3_Test_GroundTruth.csv",
        "ISBI2016_ISIC_Part3_Test_Data.zip",
    ]
