import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from harness.cli.data_card import data_lines
from harness.data import loading as data
from harness.data.dataset import SimulatedDataset
from harness.data.decoding import decode
from harness.data.loading import decoded, training_splits
from harness.data.locating import DataPlan, data_folder, resolve_data
from harness.datasets.isic import Isic
from harness.downloads.sources_file import FIRST_USE, PUBLISHED, Source, record
from harness.errors import DataError, DatasetNotFound, MachineError, UsageError
from harness.storage.store import Store

NAMES = {"train": "Training", "test": "Test"}
COUNTS = {"train": (16, 4), "test": (8, 2)}  # images, of which positive


@pytest.fixture(autouse=True)
def _fresh_memory():
    training_splits.cache_clear()
    data.test_split.cache_clear()


def identity(split, number):
    return f"ISIC_{number + (1000 if split == 'test' else 0):07d}"


def image_path(root, split, number):
    return root / "isic" / f"ISBI2016_ISIC_Part3_{NAMES[split]}_Data" / f"{identity(split, number)}.jpg"


def draw_image(path, seed):
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 3)).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(coarse).resize((84, 70)).save(path)


def write_labels(root, split, labels):
    text = "".join(f"{identity(split, number)},{'malignant' if label else 'benign'}\n" for number, label in labels)
    path = root / "isic" / f"ISBI2016_ISIC_Part3_{NAMES[split]}_GroundTruth.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def make_set(root):
    for split, (count, positives) in COUNTS.items():
        write_labels(root, split, [(number, number < positives) for number in range(count)])
        for number in range(count):
            draw_image(image_path(root, split, number), number + (100 if split == "test" else 0))


@pytest.fixture
def root(tmp_path):
    """A data folder with a small, complete data set in the layout of ISIC-2016."""
    make_set(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def asked(**changes):
    return DataPlan(
        **{"name": "isic", "folder": None, "size": 64, "validation_fraction": 0.25, "split_seed": 0} | changes
    )


def resolved(root, *, allow_missing=False, real_only=False, fetch=None, **changes):
    return resolve_data(asked(**changes), root, allow_missing=allow_missing, real_only=real_only, fetch=fetch)


# --- where the files are, and what is missing


def test_a_complete_set_is_found(root):
    plan = resolved(root)
    assert plan == asked(folder=str(root / "isic"))
    assert (plan.missing, plan.fallback_for) == ((), None)


def test_a_partial_set_is_refused_with_its_counts(root):
    for number in (0, 7, 9):
        image_path(root, "train", number).unlink()
    image_path(root, "test", 5).unlink()
    with pytest.raises(DataError, match="not complete") as caught:
        resolved(root)
    assert not isinstance(caught.value, DatasetNotFound)
    assert caught.value.exit_code == 4
    assert caught.value.faults == ["train: 13 of 16 images", "test: 7 of 8 images"]
    assert "--allow-missing" in caught.value.fix


def test_a_partial_set_that_is_allowed_is_recorded_and_used(root, store):
    for number in (0, 7, 9):
        image_path(root, "train", number).unlink()
    plan = resolved(root, allow_missing=True)
    assert plan.missing == (("train", 13, 16),)  # only what is missing
    assert plan.folder == str(root / "isic")
    value = decoded(plan, "train", store)
    assert value["ids"] == [identity("train", number) for number in range(16) if number not in (0, 7, 9)]
    assert resolved(root, allow_missing=True, real_only=True) == plan


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_set_whose_whole_split_is_missing_is_partial_not_absent(root, split):
    # 900 real training images and a misplaced test folder: a simulated data set isn't what was asked for.
    shutil.rmtree(image_path(root, split, 0).parent)
    with pytest.raises(DataError) as caught:
        resolved(root)
    assert f"{split}: 0 of {COUNTS[split][0]} images" in str(caught.value)


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_set_without_one_label_file_is_partial_not_absent(root, split):
    (root / "isic" / f"ISBI2016_ISIC_Part3_{NAMES[split]}_GroundTruth.csv").unlink()
    with pytest.raises(DataError):
        resolved(root)


@pytest.mark.parametrize("labels", [False, True])
def test_an_absent_set_falls_back_to_its_simulated_substitute(tmp_path, labels):
    if labels:  # the labels alone, without a single image, are no data set
        make_set(tmp_path)
        for split in NAMES:
            shutil.rmtree(image_path(tmp_path, split, 0).parent)
    plan = resolved(tmp_path)
    assert str(tmp_path / "isic") in plan.fallback_reason
    assert plan == asked(name="isic-sim", fallback_for="isic", fallback_reason=plan.fallback_reason)
    assert plan.dataset().simulated


@pytest.mark.parametrize("allow_missing", [False, True])
def test_real_only_forbids_the_substitute(tmp_path, allow_missing):
    with pytest.raises(DatasetNotFound) as caught:
        resolved(tmp_path, real_only=True, allow_missing=allow_missing)
    assert caught.value.exit_code == 4
    assert str(tmp_path) in str(caught.value)
    assert "--data-dir" in caught.value.fix


def test_a_faulty_label_file_never_falls_back(root):
    write_labels(root, "train", [(0, True), (0, False)])
    for allow_missing in (False, True):
        with pytest.raises(DataError, match="line 2") as caught:
            resolved(root, allow_missing=allow_missing)
        assert not isinstance(caught.value, DatasetNotFound)


def test_a_simulated_set_needs_no_folder(tmp_path):
    assert resolved(tmp_path / "missing", name="isic-sim", real_only=True) == asked(name="isic-sim")


def test_an_unknown_set_names_the_nearest(tmp_path):
    with pytest.raises(UsageError, match=r"unknown data set 'isicc' \(did you mean 'isic'\?\)"):
        resolved(tmp_path, name="isicc")


def test_the_data_folder_is_the_option_then_the_variable_then_the_users_cache(tmp_path, monkeypatch):
    monkeypatch.delenv("HARNESS_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    default = data_folder(None)
    assert default.is_relative_to(tmp_path)
    assert default.name == "data"
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path / "first"))
    assert data_folder(None) == tmp_path / "first"
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path / "second"))  # read when needed, not at import
    assert data_folder(None) == tmp_path / "second"
    assert data_folder(tmp_path / "option") == tmp_path / "option"
    monkeypatch.setenv("HARNESS_DATA", "")
    assert data_folder(None) == default


def test_relative_data_folders_are_made_absolute(tmp_path, monkeypatch):
    # A worker may run elsewhere.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_DATA", "here")
    assert data_folder(None) == tmp_path / "here"
    assert data_folder(Path("there")) == tmp_path / "there"


# --- decoding


def test_decoded_images_are_the_files_in_the_order_of_their_ids(root, store):
    seen = []
    value = decoded(resolved(root), "test", store, lambda done, total: seen.append((done, total)))
    assert value["ids"] == [identity("test", number) for number in range(8)]
    assert value["labels"].tolist() == [1, 1, 0, 0, 0, 0, 0, 0]
    assert value["labels"].dtype == value["images"].dtype == torch.uint8
    for number, image in enumerate(value["images"]):
        assert np.array_equal(image.numpy(), decode(image_path(root, "test", number), 64))
    assert seen == [(done, 8) for done in range(1, 9)]


def test_images_are_decoded_once_for_each_size(root, store, monkeypatch):
    calls = []
    real = data.decode_all
    monkeypatch.setattr(
        data, "decode_all", lambda paths, size, progress: (calls.append(size), real(paths, size, progress))[1]
    )
    for size in (64, 64, 80, 64):
        value = decoded(resolved(root, size=size), "train", store)
        assert value["images"].shape == (16, 3, size, size)
    assert calls == [64, 80]


def test_unreadable_images_are_listed_and_nothing_is_kept(root, store):
    for number in (2, 11):
        image_path(root, "train", number).write_text("<html>")
    with pytest.raises(DataError) as caught:
        decoded(resolved(root), "train", store)
    assert [
        str(image_path(root, "train", number)) in fault
        for number, fault in zip((2, 11), caught.value.faults, strict=True)
    ] == [True, True]
    assert not list(store.folders())
    for number in (2, 11):
        draw_image(image_path(root, "train", number), number)
    assert len(decoded(resolved(root), "train", store)["ids"]) == 16


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("label", [0, 1])
def test_a_split_of_one_class_is_refused(root, store, split, label):
    write_labels(root, split, [(number, label) for number in range(COUNTS[split][0])])
    for _ in range(2):  # from the files, and from the store
        with pytest.raises(DataError, match=f"the {split} split of isic has") as caught:
            decoded(resolved(root), split, store)
        assert caught.value.exit_code == 4


class Tiny(SimulatedDataset):
    """Images that spell their own index and split."""

    name = "tiny"
    version = "1"
    classes = ("a", "b")

    def labels(self, split):
        return np.array([index % 5 == 0 for index in range(150 if split == "train" else 70)], dtype=np.uint8)

    def latent_values(self, split):
        raise AssertionError("reading images needs no latent variable")

    def render(self, split, indices, size):
        images = np.full((len(indices), 3, size, size), len(split), dtype=np.uint8)
        images[:, 0] = np.array(indices)[:, None, None]
        return images


def test_simulated_images_are_drawn_whole_and_in_order(store, monkeypatch):
    monkeypatch.setattr(data, "load_dataset", lambda _: Tiny())
    for split, count in (("train", 150), ("test", 70)):
        seen = []
        value = decoded(asked(name="tiny"), split, store, lambda done, total, seen=seen: seen.append((done, total)))
        assert value["images"][:, 0, 0, 0].tolist() == list(range(count))
        assert bool((value["images"][:, 1] == len(split)).all())
        assert value["labels"].tolist() == Tiny().labels(split).tolist()
        assert len(set(value["ids"])) == count
        assert seen[-1] == (count, count)
        assert decoded(asked(name="tiny"), split, store)["ids"] == value["ids"]


# --- splits


def test_training_and_validation_are_the_training_images_once_each(root, store):
    train, validation = training_splits(resolved(root), store.root)
    everything = [identity("train", number) for number in range(16)]
    assert sorted(train.ids + validation.ids) == everything
    assert (len(train.ids), len(validation.ids)) == (12, 4)
    assert (train.positives, validation.positives) == (3, 1)
    value = decoded(resolved(root), "train", store)
    for split in (train, validation):
        for image, label, name in zip(split.images, split.labels, split.ids, strict=True):
            assert torch.equal(image, value["images"][everything.index(name)])
            assert label.item() == int(everything.index(name) < 4)


def test_the_split_depends_on_the_plans_seed_alone(root, store, tmp_path):
    first = training_splits(resolved(root), store.root)
    training_splits.cache_clear()
    again = training_splits(resolved(root), tmp_path / "another store")
    assert [split.fingerprint for split in again] == [split.fingerprint for split in first]
    others = {training_splits(resolved(root, split_seed=seed), store.root)[1].ids for seed in range(10)}
    assert len(others) > 5


def test_the_test_split_is_the_publishers(root, store):
    split = data.test_split(resolved(root), store.root)
    assert split.ids == tuple(identity("test", number) for number in range(8))
    assert split.labels.tolist() == [1, 1, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(("fraction", "name"), [(0.1, "validation"), (0.95, "training")])
def test_a_cut_that_leaves_a_side_without_a_positive_is_refused(root, store, fraction, name):
    with pytest.raises(DataError, match=f"the {name} split of isic has 0 positives and") as caught:
        training_splits(resolved(root, validation_fraction=fraction), store.root)
    assert "validation_fraction" in caught.value.fix


def fingerprints(root, store):
    training_splits.cache_clear()
    data.test_split.cache_clear()
    plan = resolved(root)
    return [split.fingerprint for split in (*training_splits(plan, store.root), data.test_split(plan, store.root))]


def test_a_changed_image_changes_its_splits_fingerprint_and_no_other(root, store):
    before = fingerprints(root, store)
    validation = training_splits(resolved(root), store.root)[1].ids
    for number, index in ((next(n for n in range(16) if identity("train", n) not in validation), 0), (0, 2)):
        path = image_path(root, "test" if index == 2 else "train", number)
        draw_image(path, 999)
        after = fingerprints(root, store)
        assert [left != right for left, right in zip(before, after, strict=True)] == [k == index for k in range(3)]
        before = after


def test_a_changed_label_changes_the_fingerprint(root, store):
    before = fingerprints(root, store)
    write_labels(root, "test", [(number, number in (0, 2)) for number in range(8)])
    after = fingerprints(root, store)
    assert before[:2] == after[:2]
    assert before[2] != after[2]


def test_a_moved_or_touched_data_folder_keeps_its_fingerprints(root, store, tmp_path):
    before = fingerprints(root, store)
    os.utime(image_path(root, "train", 0), (1, 1))
    assert fingerprints(root, store) == before
    shutil.move(root, tmp_path / "moved")
    assert fingerprints(tmp_path / "moved", store) == before


# --- fetching what is not there


def fetched(calls, error=None):
    """Return a fetch that makes the set, or fails with ``error``."""

    def fetch(dataset, folder):
        calls.append((dataset.name, folder))
        if error:
            raise error
        make_set(folder.parent)

    return fetch


def test_an_absent_set_is_fetched_and_used(tmp_path):
    calls = []
    plan = resolved(tmp_path, fetch=fetched(calls))
    assert calls == [("isic", tmp_path / "isic")]
    assert plan == asked(folder=str(tmp_path / "isic"))


@pytest.mark.parametrize("loss", [(), (0,)])
def test_a_set_that_is_there_or_partly_there_is_not_fetched(root, loss):
    calls = []
    for number in loss:
        image_path(root, "train", number).unlink()
    resolved(root, allow_missing=True, fetch=fetched(calls))
    shutil.rmtree(image_path(root, "train", 0).parent)
    with pytest.raises(DataError, match="a whole split"):
        resolved(root, fetch=fetched(calls))
    write_labels(root, "test", [(0, True), (0, False)])
    with pytest.raises(DataError, match="faults"):
        resolved(root, fetch=fetched(calls))
    assert calls == []


def test_a_simulated_set_is_not_fetched(tmp_path):
    calls = []
    resolved(tmp_path, name="isic-sim", fetch=fetched(calls))
    assert calls == []


def test_a_set_without_addresses_is_not_fetched(tmp_path, monkeypatch):
    monkeypatch.setattr(Isic, "remote_files", ())
    calls = []
    assert resolved(tmp_path, fetch=fetched(calls)).fallback_for == "isic"
    assert calls == []


@pytest.mark.parametrize(
    "error",
    [
        MachineError("labels could not be downloaded", faults=["https://a/labels: 404", "https://b/labels: silent"]),
        DataError("what came is not the file"),
    ],
)
def test_a_fetch_that_fails_falls_back_with_its_reason(tmp_path, error):
    plan = resolved(tmp_path, fetch=fetched([], error))
    assert plan.fallback_for == "isic"
    assert "\n" not in plan.fallback_reason
    for part in (str(tmp_path / "isic"), error.message, *error.faults):
        assert part in plan.fallback_reason
    with pytest.raises(DatasetNotFound) as caught:
        resolved(tmp_path, real_only=True, fetch=fetched([], error))
    assert caught.value.exit_code == 4
    assert error.message in caught.value.message


def test_a_fetch_that_brings_nothing_falls_back(tmp_path):
    assert resolved(tmp_path, fetch=lambda *_: None).fallback_for == "isic"


def test_an_interrupted_fetch_is_no_fallback(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        resolved(tmp_path, fetch=fetched([], KeyboardInterrupt()))


def test_what_is_not_there_comes_with_the_command_the_folder_and_the_addresses(tmp_path):
    with pytest.raises(DatasetNotFound) as caught:
        resolved(tmp_path, real_only=True)
    for part in ("`harness data fetch isic`", str(tmp_path / "isic"), *(r.mirrors[0] for r in Isic.remote_files)):
        assert part in caught.value.fix


def test_what_is_partly_there_comes_with_the_command(root):
    image_path(root, "train", 0).unlink()
    with pytest.raises(DataError) as caught:
        resolved(root)
    assert "`harness data fetch isic`" in caught.value.fix
    shutil.rmtree(image_path(root, "train", 0).parent)
    with pytest.raises(DataError) as caught:
        resolved(root)
    assert "`harness data fetch isic`" in caught.value.fix


def test_the_view_says_whether_a_set_was_fetched(root, monkeypatch):
    lines = data_lines("isic", root)
    assert "Not fetched by the harness; `harness data fetch isic` gets it from" in lines[4]
    assert "isic-archive.s3.amazonaws.com" in lines[4]
    for name, kind in (("labels", PUBLISHED), ("images", FIRST_USE), ("more", FIRST_USE)):
        record(root / "isic", name, Source("https://a/b", 1, "0" * 64, f"2026-01-0{len(name) % 3 + 1}", kind))
    assert data_lines("isic", root)[4] == (
        "Fetched: 3 files, the last on 2026-01-02; 1 with a published sha256, 2 with one recorded on first use"
        " (SOURCES.json)"
    )
    assert data_lines("isic", root)[5].startswith("train: 4 positives, 12 negatives labelled; 16 of 16")
    (root / "isic" / "SOURCES.json").unlink()
    monkeypatch.setattr(Isic, "remote_files", ())
    assert "Cannot be fetched" in data_lines("isic", root)[4]
