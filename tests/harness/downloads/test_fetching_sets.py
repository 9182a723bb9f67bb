"""The built-in sets that are fetched, from a server on this machine that gives files of the test's own making."""

import hashlib
import importlib.util
import json
import shutil
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from harness.data import RemoteFile
from harness.data.asked import Asked
from harness.data.completeness import lacking
from harness.data.draw import Cutting
from harness.data.labelled import labelled
from harness.data.locating import DataPlan, resolve_data
from harness.datasets.breastmnist import BreastMnist
from harness.datasets.crack import Crack
from harness.downloads.fetching import fetch
from harness.downloads.sources_file import PUBLISHED, SOURCES
from harness.errors import DataError, DatasetNotFound, MachineError

pytestmark = pytest.mark.slow

TILES = {f"{name}/{number:05d}.jpg": b"tile" for name in ("Positive", "Negative") for number in range(20)}
FOLDER = "Concrete Crack Images for Classification"


def rar4(members):
    """The writer of test_rar.py."""
    spec = importlib.util.spec_from_file_location("rar_writer", Path(__file__).with_name("test_rar.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.rar4(members)


def hashed(kind, content):
    return hashlib.new(kind, content).hexdigest()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data" / "set"


@pytest.fixture
def bring(folder, reporter, policy):
    """Return a function that fetches a set and gives the notes as one text."""
    return lambda dataset: "\n".join(fetch(dataset, folder, reporter, policy=policy))


# --- MedMNIST: one npz, known by its MD5


@pytest.fixture
def npz(tmp_path):
    """As many images as the real one has."""
    arrays = {}
    for split, (negatives, positives) in zip(
        ("train", "val", "test"), BreastMnist.official_counts.values(), strict=True
    ):
        arrays[f"{split}_images"] = np.zeros((negatives + positives, 28, 28), np.uint8)
        arrays[f"{split}_labels"] = np.repeat(np.uint8([1, 0]), [negatives, positives]).reshape(-1, 1)
    np.savez_compressed(tmp_path / "made.npz", **arrays)
    return (tmp_path / "made.npz").read_bytes()


@pytest.fixture
def breast(server, npz, monkeypatch):
    address = server.give("/breastmnist.npz", npz)
    monkeypatch.setattr(BreastMnist, "md5", {28: hashed("md5", npz)})
    monkeypatch.setattr("harness.datasets.medmnist._ADDRESS", address.replace("breastmnist.npz", "{}"))
    return BreastMnist(pixels=28)


def test_an_npz_is_fetched_checked_by_its_md5_and_known_by_its_sha256(server, breast, bring, folder, npz):
    assert "is complete" in bring(breast)
    assert (folder / "breastmnist.npz").read_bytes() == npz
    assert len(labelled(breast, folder)) == 780
    assert lacking(breast, folder) == []
    source = json.loads((folder / SOURCES).read_text())["breastmnist.npz"]
    assert (source["sha256"], source["hash"]) == (hashed("sha256", npz), PUBLISHED)
    assert "nothing to download" in bring(breast)
    assert server.asked == ["/breastmnist.npz"]


def test_other_bytes_than_the_md5_says_are_refused(server, breast, bring, folder, npz):
    server.give("/breastmnist.npz", npz + b"more")
    with pytest.raises(DataError) as caught:
        bring(breast)
    assert f"its MD5 is {hashed('md5', npz + b'more')}, not {hashed('md5', npz)} (published)" in str(caught.value)
    assert not (folder / "breastmnist.npz").exists()


def test_a_changed_npz_is_fetched_again_and_one_put_there_by_hand_is_kept(server, breast, bring, folder, npz):
    bring(breast)
    (folder / "breastmnist.npz").write_bytes(npz[:-1])
    assert "was torn or changed" in bring(breast)
    assert (folder / "breastmnist.npz").read_bytes() == npz
    (folder / SOURCES).unlink()
    (folder / "breastmnist.npz").write_bytes(npz + b"by hand")
    assert f"put there by hand and is kept; its MD5 is {hashed('md5', npz + b'by hand')}, not" in bring(breast)
    assert len(server.asked) == 2


# --- CRACK: one RAR, or folders of the user's own


@pytest.fixture
def crack(server, monkeypatch):
    """The class with a small archive of its own, by the official counts complete."""
    content = rar4(TILES)

    class Small(Crack):
        official_counts: ClassVar = {"train": (14, 3), "validation": (3, 1), "test": (3, 0)}
        remote_files = (
            RemoteFile(
                name=f"{FOLDER}.rar",
                mirrors=(server.give("/crack.rar", content),),
                sha256=hashed("sha256", content),
                unpacks_to=FOLDER,
            ),
        )

    return Small()


@pytest.fixture
def false_bsdtar(tmp_path, monkeypatch):
    """A bsdtar that gives the tiles, whatever the archive; the only program on the path."""
    place = tmp_path / "bin"
    place.mkdir()
    for needed in ("sh", "cp"):
        (place / needed).symlink_to(shutil.which(needed))
    for name, content in TILES.items():
        (tmp_path / "tiles" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tiles" / name).write_bytes(content)
    (place / "bsdtar").write_text(f'#!/bin/sh\ncp -r "{tmp_path}/tiles/." "$5"\n')
    (place / "bsdtar").chmod(0o755)
    monkeypatch.setenv("PATH", str(place))
    return place / "bsdtar"


def test_a_rar_is_fetched_unpacked_and_mended(server, crack, bring, folder, false_bsdtar):
    assert "is complete" in bring(crack)
    assert {sample.path.parent.parent for sample in labelled(crack, folder)} == {folder / FOLDER}
    assert not list(folder.rglob("*.rar"))
    (folder / FOLDER / "Positive" / "00003.jpg").write_bytes(b"other")
    assert "1 files of" in bring(crack)
    assert (folder / FOLDER / "Positive" / "00003.jpg").read_bytes() == b"tile"
    assert "nothing to download" in bring(crack)


@pytest.mark.skipif(not shutil.which("bsdtar"), reason="bsdtar is not installed")
def test_a_rar_is_unpacked_by_the_real_bsdtar(server, crack, bring, folder):
    bring(crack)
    assert len(list((folder / FOLDER).rglob("*.jpg"))) == 40
    assert lacking(crack, folder) == []


def test_a_rar_put_there_by_hand_is_unpacked_without_a_network_and_kept(
    server, crack, bring, folder, false_bsdtar, monkeypatch
):
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    folder.mkdir(parents=True)
    (folder / f"{FOLDER}.rar").write_bytes(rar4(TILES))
    assert "it is unpacked and kept" in bring(crack)
    assert (folder / f"{FOLDER}.rar").exists()
    assert server.asked == []


def test_another_rar_is_never_given_to_a_program(server, crack, bring, folder, false_bsdtar):
    folder.mkdir(parents=True)
    false_bsdtar.write_text('#!/bin/sh\necho x > "$5/../../../ran"\n')
    (folder / f"{FOLDER}.rar").write_bytes(rar4({"Positive/evil.jpg": b"x"}))
    with pytest.raises(DataError) as caught:
        bring(crack)
    assert "is not the publisher's file: its sha256 is" in caught.value.message
    server.give("/crack.rar", rar4({"Positive/evil.jpg": b"x"}))
    (folder / f"{FOLDER}.rar").unlink()
    with pytest.raises(DataError):
        bring(crack)
    assert not list(folder.parent.rglob("ran"))


def test_nothing_is_downloaded_that_no_program_can_unpack(server, crack, bring, folder, false_bsdtar):
    false_bsdtar.unlink()
    with pytest.raises(MachineError) as caught:
        bring(crack)
    assert "libarchive-tools" in caught.value.fix
    assert str(folder / FOLDER) in caught.value.fix
    assert server.asked == []


def test_a_run_without_a_program_says_what_to_install(
    tmp_path, server, crack, reporter, policy, false_bsdtar, monkeypatch
):
    false_bsdtar.unlink()
    monkeypatch.setattr(Crack, "remote_files", crack.remote_files)
    plan = DataPlan(asked=Asked(kind="crack"), folder=None, size=16, cutting=Cutting(0.2, 0.2, False, 0))
    with pytest.raises(DatasetNotFound) as caught:
        resolve_data(
            plan,
            tmp_path / "none",
            allow_missing=False,
            real_only=False,
            fetch=lambda dataset, folder: fetch(dataset, folder, reporter, policy=policy),
        )
    assert "none of bsdtar, unar, 7z" in caught.value.message
    assert "libarchive-tools" in str(caught.value)


def test_folders_of_the_users_own_are_left_alone_wherever_they_lie(server, crack, bring, folder):
    for name, content in TILES.items():
        (folder / "own" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "own" / name).write_bytes(content)
    notes = bring(crack)
    assert f"24 images were put below {folder} by hand and are kept" in notes
    assert "nothing to download" in notes
    assert server.asked == []
    assert not (folder / FOLDER).exists()


def test_a_rar_without_a_known_hash_cannot_be_offered():
    with pytest.raises(ValueError, match=r"a\.rar is a RAR: give the sha256"):
        RemoteFile(name="a.rar", mirrors=("https://example.org/a.rar",), md5="0" * 32)
