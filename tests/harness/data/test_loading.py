import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from harness.data import file_dataset, loading
from harness.data.decoding import decode
from harness.data.loading import decoded, training_splits
from harness.errors import DataError
from harness.storage.canonical import digest

# --- decoding


def test_decoded_images_are_the_files_in_the_order_of_their_ids(root, store, small, resolved):
    seen = []
    value = decoded(resolved(root), "test", store, lambda done, total: seen.append((done, total)))
    assert value["ids"] == [small.identity("test", number) for number in range(8)]
    assert value["labels"].tolist() == [1, 1, 0, 0, 0, 0, 0, 0]
    assert value["labels"].dtype == value["images"].dtype == torch.uint8
    for number, image in enumerate(value["images"]):
        assert np.array_equal(image.numpy(), decode(small.image_path(root, "test", number), 64))
    assert seen == [(done, 8) for done in range(1, 9)]


def test_images_are_decoded_once_for_each_size(root, store, monkeypatch, resolved):
    calls = []
    real = file_dataset.decode_all
    monkeypatch.setattr(
        file_dataset, "decode_all", lambda paths, size, progress: (calls.append(size), real(paths, size, progress))[1]
    )
    for size in (64, 64, 80, 64):
        value = decoded(resolved(root, size=size), "train", store)
        assert value["images"].shape == (16, 3, size, size)
    assert calls == [64, 80]


def test_unreadable_images_are_listed_and_nothing_is_kept(root, store, small, resolved):
    for number in (2, 11):
        small.image_path(root, "train", number).write_text("<html>")
    with pytest.raises(DataError) as caught:
        decoded(resolved(root), "train", store)
    assert [
        str(small.image_path(root, "train", number)) in fault
        for number, fault in zip((2, 11), caught.value.faults, strict=True)
    ] == [True, True]
    assert not list(store.folders())
    for number in (2, 11):
        small.draw_image(small.image_path(root, "train", number), number)
    assert len(decoded(resolved(root), "train", store)["ids"]) == 16


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("label", [0, 1])
def test_a_split_of_one_class_is_refused(root, store, split, label, small, resolved):
    small.write_labels(root, split, [(number, label) for number in range(small.counts[split][0])])
    for _ in range(2):  # from the files, and from the store
        with pytest.raises(DataError, match=f"the {split} split of isic has") as caught:
            decoded(resolved(root), split, store)
        assert caught.value.exit_code == 4


# --- what a stage is known by: a change of it would compute every run of every store anew


class KeyOnly:
    """Stands in for a store: it notes what a stage is known by, and computes nothing."""

    def run(self, kind, inputs, compute):
        self.digest = digest([kind, inputs])
        return SimpleNamespace(value={"labels": torch.tensor([0, 1])})


def key_of(plan):
    store = KeyOnly()
    decoded(plan, "train", store)
    return store.digest


def test_the_key_of_image_files_is_the_recorded_one(tmp_path, monkeypatch, asked, small):
    monkeypatch.chdir(tmp_path)  # paths are part of it
    small.write_labels(Path(), "train", [(2, True), (0, False), (1, False)])
    for number in (0, 2):
        path = small.image_path(Path(), "train", number)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * (10 + number))
        os.utime(path, ns=(0, 1_600_000_000_123_456_000 + number))
    assert key_of(asked(folder="isic")) == "8f978fa0b9bf3f1048e69fc180bd7d38aa3bad07e1d605d625a8f1e64181f1f3"


def test_the_key_of_simulated_images_is_the_recorded_one(asked):
    assert key_of(asked(name="isic-sim")) == "90f8ae755abab910b5d57de3ed30367b856e084523f50d56a4908f5814325b62"


# --- splits


def test_training_and_validation_are_the_training_images_once_each(root, store, small, resolved):
    train, validation = training_splits(resolved(root), store.root)
    everything = [small.identity("train", number) for number in range(16)]
    assert sorted(train.ids + validation.ids) == everything
    assert (len(train.ids), len(validation.ids)) == (12, 4)
    assert (train.positives, validation.positives) == (3, 1)
    value = decoded(resolved(root), "train", store)
    for split in (train, validation):
        for image, label, name in zip(split.images, split.labels, split.ids, strict=True):
            assert torch.equal(image, value["images"][everything.index(name)])
            assert label.item() == int(everything.index(name) < 4)


def test_the_split_depends_on_the_plans_seed_alone(root, store, tmp_path, resolved):
    first = training_splits(resolved(root), store.root)
    training_splits.cache_clear()
    again = training_splits(resolved(root), tmp_path / "another store")
    assert [split.fingerprint for split in again] == [split.fingerprint for split in first]
    others = {training_splits(resolved(root, split_seed=seed), store.root)[1].ids for seed in range(10)}
    assert len(others) > 5


def test_the_test_split_is_the_publishers(root, store, small, resolved):
    split = loading.test_split(resolved(root), store.root)
    assert split.ids == tuple(small.identity("test", number) for number in range(8))
    assert split.labels.tolist() == [1, 1, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(("fraction", "name"), [(0.1, "validation"), (0.95, "training")])
def test_a_cut_that_leaves_a_side_without_a_positive_is_refused(root, store, fraction, name, resolved):
    with pytest.raises(DataError, match=f"the {name} split of isic has 0 positives and") as caught:
        training_splits(resolved(root, validation_fraction=fraction), store.root)
    assert "validation_fraction" in caught.value.fix


@pytest.fixture
def fingerprints(resolved):
    """Return a function that gives those of training, validation and test, read anew."""

    def call(root, store):
        training_splits.cache_clear()
        loading.test_split.cache_clear()
        plan = resolved(root)
        splits = (*training_splits(plan, store.root), loading.test_split(plan, store.root))
        return [split.fingerprint for split in splits]

    return call


def test_a_changed_image_changes_its_splits_fingerprint_and_no_other(root, store, small, resolved, fingerprints):
    before = fingerprints(root, store)
    validation = training_splits(resolved(root), store.root)[1].ids
    for number, index in ((next(n for n in range(16) if small.identity("train", n) not in validation), 0), (0, 2)):
        path = small.image_path(root, "test" if index == 2 else "train", number)
        small.draw_image(path, 999)
        after = fingerprints(root, store)
        assert [left != right for left, right in zip(before, after, strict=True)] == [k == index for k in range(3)]
        before = after


def test_a_changed_label_changes_the_fingerprint(root, store, small, fingerprints):
    before = fingerprints(root, store)
    small.write_labels(root, "test", [(number, number in (0, 2)) for number in range(8)])
    after = fingerprints(root, store)
    assert before[:2] == after[:2]
    assert before[2] != after[2]


def test_a_moved_or_touched_data_folder_keeps_its_fingerprints(root, store, tmp_path, small, fingerprints):
    before = fingerprints(root, store)
    os.utime(small.image_path(root, "train", 0), (1, 1))
    assert fingerprints(root, store) == before
    shutil.move(root, tmp_path / "moved")
    assert fingerprints(tmp_path / "moved", store) == before
