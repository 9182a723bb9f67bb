"""Labels held against the publisher's counts and hashes, images against labels: what a cut file no longer hides."""

import hashlib
from dataclasses import replace

import pytest

from harness.data import FileDataset, Sample
from harness.data.completeness import remarks
from harness.data.locating import resolve_data
from harness.datasets.isic import Isic
from harness.downloads.fetching import fetch
from harness.errors import DataError, DatasetNotFound
from harness.planning.configuration_file import load_configuration
from harness.planning.planner import Flags, build_plan

OFFICIAL = {"train": (12, 4), "test": (6, 2)}


@pytest.fixture(autouse=True)
def official(small, monkeypatch):
    """The small set is the publisher's whole one, with the label files as they are written here."""
    monkeypatch.setattr(Isic, "official_counts", OFFICIAL)


@pytest.fixture
def known(root, monkeypatch):
    """The label files that are here are those whose hashes are known."""
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (root / "isic").glob("*.csv")}
    remotes = tuple(replace(remote, sha256=hashes.get(remote.name), seen_sha256=None) for remote in Isic.remote_files)
    monkeypatch.setattr(Isic, "remote_files", remotes)


def cut(root, small, split, positives, negatives):
    """Leave so many labels of a split; every image stays."""
    count, all_positives = small.counts[split]
    kept = [*range(positives), *range(all_positives, all_positives + negatives)]
    small.write_labels(root, split, [(number, number < all_positives) for number in kept])
    return count - len(kept)


def test_a_whole_set_is_whole_without_a_word(root, known, resolved):
    assert resolved(root).missing == ()
    assert remarks(Isic(), root / "isic") == []


@pytest.mark.parametrize(("positives", "negatives"), [(4, 11), (3, 12), (1, 1), (2, 6)])
def test_a_cut_label_file_is_a_partial_set_with_counts(root, small, resolved, positives, negatives):
    lost = cut(root, small, "train", positives, negatives)
    labelled = positives + negatives
    with pytest.raises(DataError, match="is not complete") as caught:
        resolved(root)
    assert caught.value.exit_code == 4
    partial, labels, images = caught.value.faults
    assert partial == f"train: {labelled} of 16 images"
    assert labels == f"train: {positives} positives and {negatives} negatives labelled, 4 and 12 by the publisher"
    assert images.startswith(
        f"ISBI2016_ISIC_Part3_Training_Data: {lost} images have no label and are not used, such as"
    )
    assert resolved(root, allow_missing=True).missing == (("train", labelled, 16),)


def test_both_files_cut_are_told_at_once_with_missing_images(root, small, resolved):
    cut(root, small, "train", 4, 6)
    cut(root, small, "test", 1, 3)
    small.image_path(root, "train", 0).unlink()
    with pytest.raises(DataError) as caught:
        resolved(root)
    assert caught.value.faults[:2] == ["train: 9 of 16 images", "test: 4 of 8 images"]
    assert resolved(root, allow_missing=True).missing == (("train", 9, 16), ("test", 4, 8))


@pytest.mark.parametrize("positives", [3, 5])
@pytest.mark.parametrize("allow_missing", [False, True])
def test_other_labels_of_as_many_images_are_another_data_set(root, small, resolved, positives, allow_missing):
    small.write_labels(root, "train", [(number, number < positives) for number in range(16)])
    with pytest.raises(DataError, match="are not those of isic") as caught:
        resolved(root, allow_missing=allow_missing)
    assert not isinstance(caught.value, DatasetNotFound)
    (fault,) = caught.value.faults
    assert fault == f"train: {positives} positives and {16 - positives} negatives labelled, 4 and 12 by the publisher"


def test_labels_for_more_images_than_there_are_are_another_data_set(root, small, resolved):
    small.write_labels(root, "test", [(number, number < 2) for number in range(9)])
    with pytest.raises(DataError, match="are not those of isic"):
        resolved(root, allow_missing=True)


def test_labels_of_as_many_images_but_other_bytes_are_told(root, known, small, resolved):
    small.write_labels(root, "train", [(number, number in (0, 1, 2, 5)) for number in range(16)])
    assert resolved(root).missing == ()
    (note,) = remarks(Isic(), root / "isic")
    assert "ISBI2016_ISIC_Part3_Training_GroundTruth.csv is not the known label file" in note


def test_images_without_a_label_are_told_with_their_number_and_examples(root, known, small, resolved):
    for number in range(20, 25):
        small.draw_image(small.image_path(root, "test", number), number)
    (small.image_path(root, "test", 0).parent / ".hidden.jpg").write_bytes(b"")
    (small.image_path(root, "test", 0).parent / "LICENCE.txt").write_bytes(b"")
    assert resolved(root).missing == ()
    named = "ISIC_0001020.jpg, ISIC_0001021.jpg, ISIC_0001022.jpg"
    told = f"ISBI2016_ISIC_Part3_Test_Data: 5 images have no label and are not used, such as {named}"
    assert remarks(Isic(), root / "isic") == [f"isic: {told}"]
    _, notes = build_plan(load_configuration("quick", None, [], {"methods": ["lt"]}), Flags("quick", root, root / "no"))
    assert f"isic: {told}" in notes


def test_a_set_whose_counts_nobody_published_is_what_is_labelled(root, small, resolved, monkeypatch):
    monkeypatch.setattr(Isic, "official_counts", {})
    cut(root, small, "train", 2, 2)
    assert resolved(root).missing == ()


def test_fetching_does_not_call_a_cut_set_complete(root, small, reporter, monkeypatch):
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    cut(root, small, "train", 4, 6)
    with pytest.raises(DataError, match="is not complete") as caught:
        fetch(Isic(), root / "isic", reporter)
    assert caught.value.faults[0] == "train: 10 of 16 images"
    assert caught.value.fix.startswith("move it away")


def test_the_official_counts_are_those_of_the_paper_of_the_data_set(monkeypatch):
    monkeypatch.undo()
    assert Isic.official_counts == {"train": (727, 173), "test": (304, 75)}


@pytest.fixture
def reporter():
    from rich.console import Console

    from harness.progress import Reporter

    return Reporter(Console(quiet=True))


# --- a set whose publisher gives no split


class Unsplit(FileDataset):
    """Labels in the names of its files, of which some may be missing."""

    name = "unsplit"
    version = "1"
    classes = ("a", "b")
    licence = citation = "none"
    names = ("0-1", "1-0", "2-0", "3-0")
    counts = None

    @property
    def official_counts(self):
        return {None: self.counts} if self.counts else {}

    def samples(self, folder):
        return [Sample(id=name, label=int(name[-1]), path=folder / f"{name}.png") for name in self.names]


@pytest.fixture
def unsplit(tmp_path, register, monkeypatch, asked):
    """Return a function that looks for the set where the files of these numbers are."""
    folder = tmp_path / "data" / "unsplit"
    folder.mkdir(parents=True, exist_ok=True)

    def call(numbers, counts=None, **changes):
        monkeypatch.setattr(Unsplit, "counts", counts)
        register(unsplit=Unsplit)
        for number in numbers:
            (folder / f"{Unsplit.names[number]}.png").touch()
        choices = {"allow_missing": False, "real_only": False} | changes
        return resolve_data(asked("unsplit"), tmp_path / "data", **choices)

    return call


def test_without_a_split_all_images_are_counted_together(unsplit):
    with pytest.raises(DatasetNotFound, match="no images of unsplit"):
        unsplit([])
    with pytest.raises(DataError, match="is not complete") as caught:
        unsplit([0, 2])
    assert caught.value.faults == ["all: 2 of 4 images"]
    assert unsplit([], allow_missing=True).missing == (("all", 2, 4),)
    assert unsplit([1, 3]).missing == ()


def test_without_a_split_the_publishers_counts_are_those_of_all(unsplit):
    assert unsplit(range(4), (3, 1)).missing == ()
    with pytest.raises(DataError, match="is not complete") as caught:
        unsplit([], (4, 1))
    assert caught.value.faults == [
        "all: 4 of 5 images",
        "all: 1 positives and 3 negatives labelled, 1 and 4 by the publisher",
    ]
    with pytest.raises(DataError, match="are not those of unsplit"):
        unsplit([], (2, 2), allow_missing=True)
