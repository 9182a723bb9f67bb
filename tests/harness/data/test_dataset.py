"""A data set that is neither files nor a simulator: its images and labels are in memory."""

from types import SimpleNamespace

import pytest
import torch
from rich.console import Console

from harness.cli.data_card import data_lines
from harness.cli.plan_summary import split_counts
from harness.data import Dataset, Sample, loading, locating
from harness.data.loading import decoded, training_splits
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
    simulated = False
    reads = 0

    def samples(self, folder, split):
        count, positives = COUNTS[split]
        return [Sample(id=f"{n:02d}", label=int(n < positives), group=str(n // 2)) for n in range(count)]

    def images(self, samples, size, progress):
        type(self).reads += 1
        progress(len(samples), len(samples))
        greys = torch.tensor([int(sample.id) for sample in samples], dtype=torch.uint8)
        return greys.view(-1, 1, 1, 1).expand(-1, 3, size, size)


@pytest.fixture
def plan(asked, monkeypatch):
    monkeypatch.setattr(InMemory, "reads", 0)
    monkeypatch.setattr(locating, "load_dataset", lambda _: InMemory())
    return asked(name="in-memory", size=8)


def test_it_needs_no_folder(plan, tmp_path):
    found = locating.resolve_data(plan, tmp_path / "absent", allow_missing=False, real_only=True)
    assert found == plan


def test_its_images_are_read_once_and_kept(plan, store):
    seen = []
    value = decoded(plan, "test", store, lambda done, total: seen.append((done, total)))
    assert value["images"].shape == (10, 3, 8, 8)
    assert value["images"][:, 1, 2, 3].tolist() == list(range(10))
    assert value["labels"].tolist() == [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]
    assert value["ids"] == [f"{n:02d}" for n in range(10)]
    assert seen == [(10, 10)]
    assert decoded(plan, "test", store)["ids"] == value["ids"]
    assert InMemory.reads == 1


def test_its_splits_keep_images_labels_and_groups_together(plan, store):
    train, validation = training_splits(plan, store.root)
    assert sorted(train.ids + validation.ids) == [f"{n:02d}" for n in range(20)]
    assert 0 < len(validation.ids) < 10
    for split in (train, validation):
        assert split.images[:, 0, 0, 0].tolist() == [int(identity) for identity in split.ids]
        assert split.labels.tolist() == [int(int(identity) < 8) for identity in split.ids]
    assert not {int(identity) // 2 for identity in train.ids} & {int(identity) // 2 for identity in validation.ids}
    assert loading.test_split(plan, store.root).images[:, 0, 0, 0].tolist() == list(range(10))


def test_another_version_is_read_anew(plan, store, monkeypatch):
    decoded(plan, "test", store)
    monkeypatch.setattr(InMemory, "version", "2")
    decoded(plan, "test", store)
    assert InMemory.reads == 2


def test_its_counts_are_shown_without_reading_an_image(plan, tmp_path, monkeypatch):
    assert split_counts(SimpleNamespace(data=plan)) == {"train": (8, 12), "test": (3, 7)}
    monkeypatch.setattr("harness.cli.data_card.load_dataset", lambda _: InMemory())
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
