"""The draw and the split of the paper, on folders of empty files: no pixel decides them."""

import hashlib
from collections import Counter

import pytest

from harness.data.completeness import lacking, remarks
from harness.data.labelled import labelled
from harness.datasets.crack import DRAW_SEED, Crack, drawn
from harness.errors import DataError, DatasetNotFound


def tiles(folder, count, suffix=".jpg"):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, count + 1):
        (folder / f"{number:05d}{suffix}").touch()


def counted(samples):
    return Counter((sample.split, sample.label) for sample in samples)


@pytest.fixture
def folder(tmp_path):
    tiles(tmp_path / "crack" / "Negative", 100)
    tiles(tmp_path / "crack" / "Positive", 60)
    return tmp_path / "crack"


def test_five_to_one_are_drawn_and_split_70_15_15(folder):
    samples = Crack().samples(folder)
    assert counted(samples) == {
        ("train", 0): 70,
        ("train", 1): 14,
        ("validation", 0): 15,
        ("validation", 1): 3,
        ("test", 0): 15,
        ("test", 1): 3,
    }
    assert [sample.id for sample in samples] == sorted(sample.id for sample in samples)
    for sample in samples:
        assert sample.path == folder / ("Positive" if sample.label else "Negative") / sample.id.partition("/")[2]


def test_the_draw_is_the_order_of_the_hashes(folder):
    """Against an independent computation; the same on every machine."""
    names = [f"{number:05d}.jpg" for number in range(1, 61)]
    ranked = sorted(names, key=lambda name: hashlib.sha256(f"{DRAW_SEED}/positive/{name}".encode()).hexdigest())
    splits = {sample.id: sample.split for sample in Crack().samples(folder) if sample.label}
    assert splits == {
        f"positive/{name}": "train" if rank < 14 else "validation" if rank < 17 else "test"
        for rank, name in enumerate(ranked[:20])
    }
    four = [f"{number}.jpg" for number in (1, 2, 3, 4)]
    assert drawn("positive", four) == ["3.jpg", "2.jpg", "4.jpg", "1.jpg"]  # as it once was, and stays


def test_a_missing_tile_moves_hardly_any_other(folder):
    before = {sample.id: sample.split for sample in Crack().samples(folder)}
    (folder / "Negative" / "00042.jpg").unlink()
    after = {sample.id: sample.split for sample in Crack().samples(folder)}
    moved = [name for name in before.keys() & after.keys() if before[name] != after[name]]
    assert len(moved) <= 4


@pytest.mark.parametrize(
    ("negative", "positive"),
    [
        ("Negative", "Positive"),
        ("NEGATIVE", "positive"),
        ("top/negative", "top/Positive"),
        ("Concrete Crack Images for Classification/archive/Negative", "b/Positive"),
    ],
)
def test_the_folders_are_found_in_any_case_three_deep(tmp_path, negative, positive):
    tiles(tmp_path / negative, 10)
    tiles(tmp_path / positive, 10, ".JPG")
    assert counted(Crack().samples(tmp_path)).total() == 12


def test_other_files_and_hidden_folders_are_no_tiles(folder):
    before = Crack().samples(folder)
    (folder / "Positive" / "Thumbs.db").touch()
    (folder / "Positive" / "._00001.jpg").touch()
    (folder / "Positive" / "nested").mkdir()
    tiles(folder / ".fetch" / "Positive", 3)
    tiles(folder / "a" / "b" / "c" / "Negative", 3)
    assert Crack().samples(folder) == before


@pytest.mark.parametrize("given", ["nothing", "empty", "empty classes", "a file"])
def test_where_no_tile_is_the_command_and_the_file_by_hand_are_told(tmp_path, given):
    folder = tmp_path / "crack"
    if given != "nothing":
        folder.mkdir()
    if given == "empty classes":
        tiles(folder / "Positive", 0)
        tiles(folder / "Negative", 0)
    if given == "a file":
        (folder / "Positive").touch()
    with pytest.raises(DatasetNotFound) as caught:
        Crack().samples(folder)
    assert "harness data fetch crack" in caught.value.fix
    assert "Concrete Crack Images for Classification.rar: https://" in caught.value.fix


def test_all_faults_of_the_folders_are_told_at_once(tmp_path):
    tiles(tmp_path / "a" / "Negative", 1)
    tiles(tmp_path / "b" / "negative", 1)
    (tmp_path / "Positive").mkdir()
    with pytest.raises(DataError) as caught:
        Crack().samples(tmp_path)
    assert not isinstance(caught.value, DatasetNotFound)
    two, none = caught.value.faults
    assert two.startswith("2 folders called Negative: ")
    assert none == "no tiles of the class Positive"


def test_more_tiles_than_the_publisher_gave_are_not_drawn_from_unseen(folder, monkeypatch):
    monkeypatch.setattr("harness.datasets.crack._PUBLISHED", 60)
    with pytest.raises(DataError) as caught:
        Crack().samples(folder)
    assert caught.value.faults == ["Negative has 100 tiles, and its publisher gave 60: others are among them"]


def test_a_small_folder_is_partial_and_the_tiles_that_are_not_drawn_are_no_fault(folder):
    assert [str(count) for count in lacking(Crack(), folder)] == [
        "train: 84 of 16800 images",
        "validation: 18 of 3600 images",
        "test: 18 of 3600 images",
    ]
    assert remarks(Crack(), folder) == []


@pytest.mark.long
def test_the_whole_set_is_the_papers(tmp_path):
    tiles(tmp_path / "Negative", 20_000)
    tiles(tmp_path / "Positive", 20_000)
    found = counted(labelled(Crack(), tmp_path))
    assert {split: (found[split, 0], found[split, 1]) for split in ("train", "validation", "test")} == (
        Crack.official_counts
    )
    assert lacking(Crack(), tmp_path) == []


def test_the_page_will_say_that_tiles_of_one_photo_fall_on_both_sides():
    assert any("Tiles of one photo fall on both sides" in caveat for caveat in Crack.caveats)
