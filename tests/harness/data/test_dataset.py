"""A data set that is neither files nor a simulator: its images and labels are in memory."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from harness.cli.data_card import data_lines
from harness.cli.plan_summary import split_counts
from harness.data import Dataset, Sample, loading, locating
from harness.data.dataset import by_split, options_of
from harness.data.loading import read_images, training_splits
from harness.downloads.fetching import fetch
from harness.errors import UsageError
from harness.progress import Reporter

COUNTS = {"train": (20, 8), "test": (10, 3)}  # images, of which positive


class InMemory(Dataset):
    """Images of one grey each, which is the number in their id; two images of a group follow one another."""

    name = "in-memory"
    version = "1"
    classes = ("dark", "light")
    licence = "none"
    citation = "none"
    reads = 0

    def samples(self, folder):
        return [
            Sample(id=f"{split}-{n:02d}", label=int(n < positives), group=f"{split}-{n // 2}", split=split)
            for split, (count, positives) in sorted(COUNTS.items())
            for n in range(count)
        ]

    def images(self, samples, size):
        type(self).reads += 1
        for sample in samples:
            yield np.full((3, size, size), grey(sample.id), dtype=np.uint8)


def grey(identity):
    """Another one for each image: two alike would be one image in two splits."""
    split, number = identity.split("-")
    return int(number) + (100 if split == "test" else 0)


@pytest.fixture
def plan(asked, register, monkeypatch):
    monkeypatch.setattr(InMemory, "reads", 0)
    register(**{"in-memory": InMemory})
    return asked("in-memory", size=8)


def test_it_needs_no_folder(plan, tmp_path):
    found = locating.resolve_data(plan, tmp_path / "absent", allow_missing=False, real_only=True)
    assert found == plan


def test_its_images_are_read_once_and_kept(plan, store):
    seen = []
    found = read_images(plan, store, lambda done, total: seen.append((done, total)))
    assert found.images.shape == (30, 3, 8, 8)
    assert found.ids == tuple(f"{split}-{n:02d}" for split, (count, _) in sorted(COUNTS.items()) for n in range(count))
    assert found.images[:, 1, 2, 3].tolist() == [grey(identity) for identity in found.ids]
    assert found.labels.tolist() == [1, 1, 1, 0, 0, 0, 0, 0, 0, 0, *([1] * 8), *([0] * 12)]
    assert seen == [(done, 30) for done in range(1, 31)]
    assert read_images(plan, store).ids == found.ids
    assert InMemory.reads == 1


def test_its_splits_keep_images_labels_and_groups_together(plan, store):
    for seed in range(5):
        train, validation = training_splits(plan, store.root, seed)
        assert sorted(train.ids + validation.ids) == [f"train-{n:02d}" for n in range(20)]
        assert 0 < len(validation.ids) < 10
        for split in (train, validation):
            assert split.images[:][:, 0, 0, 0].tolist() == [grey(identity) for identity in split.ids]
            assert split.labels.tolist() == [int(grey(identity) < 8) for identity in split.ids]
        groups = [{grey(identity) // 2 for identity in split.ids} for split in (train, validation)]
        assert not groups[0] & groups[1]
    test = loading.test_split(plan, store.root)
    assert test.images[:][:, 0, 0, 0].tolist() == list(range(100, 110))


def test_another_version_is_read_anew(plan, store, monkeypatch):
    read_images(plan, store)
    monkeypatch.setattr(InMemory, "version", "2")
    read_images(plan, store)
    assert InMemory.reads == 2


def test_its_counts_are_shown_without_reading_an_image(plan, tmp_path):
    counts = split_counts(SimpleNamespace(data=plan, seeds=(0,)))
    assert counts["test"] == (3, 7)
    assert [sum(numbers) for numbers in zip(counts["train"], counts["validation"], strict=True)] == [8, 12]
    assert data_lines("in-memory", tmp_path)[1:] == [
        "Licence: none",
        "Cite: none",
        "train: 8 positives, 12 negatives",
        "test: 3 positives, 7 negatives",
    ]
    assert InMemory.reads == 0


def test_it_cannot_be_fetched(plan, tmp_path):
    with pytest.raises(UsageError, match="in-memory cannot be downloaded"):
        fetch(InMemory(), tmp_path, Reporter(Console(quiet=True)))


# --- what a data set is, and its samples


@dataclass(frozen=True, kw_only=True)
class WithOptions(InMemory):
    path: str
    strict: bool = False
    limit: int = 3


def test_its_options_are_its_fields_without_the_path_of_this_machine():
    assert options_of(WithOptions(path="/data", limit=4)) == {"strict": False, "limit": 4}
    assert options_of(InMemory()) == {}


def test_a_sample_is_here_where_its_file_is_or_where_it_has_none(tmp_path):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "a.png").touch()
    here = {name: Sample(id=name, label=0, path=tmp_path / name).is_here for name in ("a.png", "b.png", "folder.png")}
    assert here == {"a.png": True, "b.png": False, "folder.png": False}
    assert Sample(id="drawn", label=0).is_here


def test_samples_are_told_by_split_in_the_order_of_their_use():
    samples = [Sample(id=str(n), label=0, split=("test", "train", "validation")[n % 3]) for n in range(7)]
    found = by_split(samples)
    assert list(found) == ["train", "validation", "test"]
    assert [sample.id for sample in found["test"]] == ["0", "3", "6"]
    unsplit = [Sample(id="1", label=0)]
    assert by_split(unsplit) == {"all": unsplit}
    assert by_split([]) == {}


def test_how_its_images_are_got_names_the_folder():
    assert "/data/in-memory" in InMemory().remedy(Path("/data/in-memory"))
