"""From image files to the splits of one seed; pixels are held against each file decoded alone."""

import os
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from harness.data import Dataset, FileDataset, Sample, image_cache, loading, pictures
from harness.data.loading import (
    large_groups,
    parts,
    planned_parts,
    pool_fingerprint,
    read_images,
    splits_of,
    training_splits,
)
from harness.errors import DataError
from harness.storage.canonical import digest
from harness.storage.disk import sha256_of

# --- reading


def test_images_are_the_files_in_the_order_of_their_ids(root, store, small, resolved, decode):
    seen = []
    found = read_images(resolved(root), store, lambda done, total: seen.append((done, total)))
    places = [("train", number) for number in range(16)] + [("test", number) for number in range(8)]
    assert found.ids == tuple(small.identity(*place) for place in places)
    assert found.labels.tolist() == [1] * 4 + [0] * 12 + [1] * 2 + [0] * 6
    assert found.splits.tolist() == [split for split, _ in places]
    assert found.labels.dtype == found.images.dtype == torch.uint8
    for place, image in zip(places, found.images, strict=True):
        assert np.array_equal(image.numpy(), decode(small.image_path(root, *place)))
    assert seen == [(done, 24) for done in range(1, 25)]


def test_images_are_decoded_once_for_each_size(root, store, monkeypatch, resolved):
    sizes = []
    real = pictures.decoded
    monkeypatch.setattr(pictures, "decoded", lambda paths, size, *how: (sizes.append(size), real(paths, size, *how))[1])
    for size in (64, 64, 80, 64):
        assert read_images(resolved(root, size=size), store).images.shape == (24, 3, size, size)
    assert sizes == [64, 80]


def test_a_process_reads_and_checks_the_set_once(root, store, resolved, monkeypatch):
    plan = resolved(root)
    splits_of(plan, store.root, 0)
    monkeypatch.setattr(loading, "cached_images", lambda *_, **__: pytest.fail("read again"))
    for seed in (1, 2):
        splits_of(plan, store.root, seed)


def test_a_plan_that_knows_its_stage_needs_no_file_of_the_set(root, store, resolved):
    plan = resolved(root)
    found = read_images(plan, store)
    shutil.rmtree(root)
    loading.image_set.cache_clear()
    kept = read_images(replace(plan, stage=found.stage), store)
    assert torch.equal(kept.images, found.images)
    assert torch.equal(kept.labels, found.labels)
    assert (kept.ids, kept.groups, kept.stage) == (found.ids, found.groups, found.stage)
    assert kept.splits.tolist() == found.splits.tolist()
    with pytest.raises(DataError):
        read_images(plan, store)
    with pytest.raises(DataError):  # a store that does not have it is no help
        read_images(replace(plan, stage="0" * 64), store)


def test_unreadable_images_of_both_splits_are_listed_at_once_and_nothing_is_kept(root, store, small, resolved):
    spoiled = [("train", 2), ("train", 11), ("test", 5)]
    for place in spoiled:
        small.image_path(root, *place).write_text("<html>")
    with pytest.raises(DataError) as caught:
        read_images(resolved(root), store)
    files = [str(small.image_path(root, *place)) for place in spoiled]
    assert [fault.split(":")[0] for fault in caught.value.faults] == files
    assert not list(store.folders())
    for split, number in spoiled:
        small.draw_image(small.image_path(root, split, number), number + 50)
    assert len(read_images(resolved(root), store).ids) == 24


def test_a_set_goes_on_without_its_broken_images_where_that_is_asked_for(root, store, small, resolved):
    small.image_path(root, "train", 11).write_text("<html>")
    plan = resolved(root, skip_broken=True)
    gone = small.identity("train", 11)
    assert [identity for identity, _ in read_images(plan, store).broken] == [gone]
    splits = splits_of(plan, store.root, 0)
    assert gone not in splits.train.ids + splits.validation.ids
    assert len(splits.train.ids + splits.validation.ids) == 15


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("label", [0, 1])
def test_a_split_of_one_class_is_refused(root, store, split, label, small, resolved):
    small.write_labels(root, split, [(number, label) for number in range(small.counts[split][0])])
    for _ in range(2):  # from the files, and from the store
        with pytest.raises(DataError, match="FNR and FPR are undefined on isic") as caught:
            read_images(resolved(root), store)
        assert caught.value.exit_code == 4
        (fault,) = caught.value.faults
        assert fault.startswith(f"the {split} split has ")


def test_a_split_that_loses_a_class_with_its_broken_images_is_refused(root, store, small, resolved):
    for number in (0, 1):
        small.image_path(root, "test", number).write_text("<html>")
    with pytest.raises(DataError, match="undefined on isic") as caught:
        read_images(resolved(root, skip_broken=True), store)
    assert caught.value.faults == ["the test split has 0 positives in 6 images"]


# --- the same pixels twice


def copy_image(root, small, of, to):
    shutil.copy(small.image_path(root, *of), small.image_path(root, *to))


def test_the_same_pixels_in_two_splits_or_under_two_labels_are_all_named(root, store, small, resolved):
    copy_image(root, small, ("train", 0), ("test", 1))  # both positive
    copy_image(root, small, ("train", 2), ("train", 9))
    copy_image(root, small, ("test", 4), ("test", 5))  # of one class in one split: as good as one image
    with pytest.raises(DataError, match="of isic are on two sides of a split or under two labels") as caught:
        read_images(resolved(root), store)
    assert caught.value.exit_code == 4
    assert sorted(caught.value.faults) == [
        "ISIC_0000000, ISIC_0001001: the same pixels in test and train",
        "ISIC_0000002, ISIC_0000009: the same pixels under both labels",
    ]
    assert "--allow-duplicates" in caught.value.fix
    assert len(read_images(resolved(root, allow_duplicates=True), store).ids) == 24


def test_in_folds_the_same_pixels_may_come_from_two_splits_but_not_under_two_labels(root, store, small, resolved):
    copy_image(root, small, ("train", 0), ("test", 1))
    plan = resolved(root, folds=2, fold=1)
    read_images(plan, store)
    for seed in range(5):  # and are in one part
        whose = [
            {"ISIC_0000000", "ISIC_0001001"} & {*split.ids} for _, split in splits_of(plan, store.root, seed).items()
        ]
        assert sorted(map(len, whose)) == [0, 0, 2]
    copy_image(root, small, ("train", 2), ("train", 9))
    with pytest.raises(DataError, match="two sides of a split or under two labels"):
        read_images(plan, store)


class Torn(Dataset):
    """Grey images, two of a group, whose publisher's splits tear the groups 1 and 3."""

    name, version, classes, licence, citation = "torn", "1", ("dark", "light"), "none", "none"

    def samples(self, folder):
        splits = [*("train", "train", "train", "test", "train", "train", "test", "train"), *["test"] * 4]
        return [Sample(id=f"{n:02d}", label=n % 2, group=str(n // 2), split=split) for n, split in enumerate(splits)]

    def images(self, samples, size):
        return (np.full((3, size, size), int(sample.id), dtype=np.uint8) for sample in samples)


def test_groups_in_two_splits_are_all_named_and_folds_keep_them_together(store, asked, register):
    register(torn=Torn)
    with pytest.raises(DataError) as caught:
        read_images(asked("torn"), store)
    assert caught.value.faults == ["group 1: images in test and train", "group 3: images in test and train"]
    read_images(asked("torn", allow_duplicates=True), store)
    plan = asked("torn", folds=2, fold=1)
    test = {int(identity) // 2 for identity in splits_of(plan, store.root, 0).test.ids}
    assert len(splits_of(plan, store.root, 0).test.ids) == 2 * len(test)


def test_the_tested_images_of_a_group_with_30_positives_are_named():
    groups = (*["north"] * 60, *["south"] * 58, None, None)
    ids = tuple(f"{n:03d}" for n in range(120))
    found = SimpleNamespace(ids=ids, groups=groups, labels=torch.arange(120) % 2)
    assert large_groups(found, ids[50:70]) == {"north": ids[50:60]}
    assert large_groups(found, ids[60:]) == {}


def test_the_same_pixels_are_never_torn_between_training_and_validation(root, store, small, resolved):
    copy_image(root, small, ("train", 8), ("train", 9))
    copy_image(root, small, ("train", 8), ("train", 10))
    twins = {small.identity("train", number) for number in (8, 9, 10)}
    found = Counter()
    for seed in range(12):
        validation = training_splits(resolved(root), store.root, seed)[1]
        found[len(twins & {*validation.ids})] += 1
    assert set(found) == {0, 3}


# --- what a stage is known by: a change of it would decode every image of every store anew


class KeyOnly:
    """Stands in for a store: it notes what a stage is known by, and computes nothing."""

    def run(self, kind, inputs, compute):
        self.digest = digest([kind, inputs])
        raise KeyboardInterrupt


def key_of(plan):
    store = KeyOnly()
    with pytest.raises(KeyboardInterrupt):
        read_images(plan, store)
    return store.digest


def test_the_key_of_image_files_is_the_recorded_one(tmp_path, monkeypatch, asked, small):
    monkeypatch.chdir(tmp_path)  # paths are part of it
    small.write_labels(Path(), "train", [(2, True), (0, False), (1, False)])
    small.write_labels(Path(), "test", [(0, True)])
    for number in (0, 2):
        path = small.image_path(Path(), "train", number)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * (10 + number))
        os.utime(path, ns=(0, 1_600_000_000_123_456_000 + number))
    assert key_of(asked(folder="isic")) == "b28cb66a95d34a4a01bfafd39be650dc673f454b87c5d98a86bfdbd7bc7d7610"


def test_the_key_of_images_that_a_set_gives_itself_is_the_recorded_one(asked, register):
    register(unsplit=Unsplit)
    assert key_of(asked("unsplit")) == "3950c7ff09a566b861e47457e8ff4d77a8c63089555acf5d2ce6f88640d14cc5"


# --- splits


def test_training_and_validation_are_the_training_images_once_each(root, store, small, resolved, decode):
    train, validation = training_splits(resolved(root), store.root, 0)
    everything = [small.identity("train", number) for number in range(16)]
    assert sorted(train.ids + validation.ids) == everything
    assert (len(train.ids), len(validation.ids)) == (12, 4)
    assert (train.positives, validation.positives) == (3, 1)
    for split in (train, validation):
        assert len(split.images) == len(split.ids)
        for image, label, name in zip(split.images[:], split.labels, split.ids, strict=True):
            number = everything.index(name)
            assert np.array_equal(image.numpy(), decode(small.image_path(root, "train", number)))
            assert label.item() == int(number < 4)


def test_validation_depends_on_the_networks_seed_alone(root, store, tmp_path, resolved, forget):
    first = training_splits(resolved(root), store.root, 0)
    forget()
    again = training_splits(resolved(root, split_seed=3), tmp_path / "another store", 0)
    assert [split.fingerprint for split in again] == [split.fingerprint for split in first]
    assert len({training_splits(resolved(root), store.root, seed)[1].ids for seed in range(10)}) > 5


def test_a_fixed_validation_is_the_same_for_every_seed(root, store, resolved):
    found = {training_splits(resolved(root, fixed=True), store.root, seed)[1].ids for seed in range(5)}
    assert found == {training_splits(resolved(root), store.root, 0)[1].ids}  # that of the split seed
    assert {training_splits(resolved(root, fixed=True, split_seed=4), store.root, 0)[1].ids} != found


def test_the_test_split_is_the_publishers_for_every_seed(root, store, small, resolved):
    for seed in range(3):
        split = splits_of(resolved(root), store.root, seed).test
        assert split.ids == tuple(small.identity("test", number) for number in range(8))
        assert split.labels.tolist() == [1, 1, 0, 0, 0, 0, 0, 0]


def test_the_rows_of_training_and_validation_hold_no_test_image(root, store, resolved):
    plan = resolved(root)
    tested = {*parts(plan, store.root, 0).test.tolist()}
    assert len(tested) == 8
    for split in training_splits(plan, store.root, 0):
        assert not tested & {*split.images.rows.tolist()}


def test_a_split_knows_its_own_fingerprint(root, store, resolved):
    splits = splits_of(resolved(root), store.root, 0)
    for _, split in splits.items():
        own = type(split).of(split.images[:], split.labels, split.ids)
        assert own.fingerprint == split.fingerprint
    assert [name for name, _ in splits.items()] == ["train", "validation", "test"]


@pytest.mark.parametrize(("fraction", "name"), [(0.1, "validation"), (0.95, "training")])
def test_a_cut_that_leaves_a_side_without_a_positive_is_refused(root, store, fraction, name, resolved):
    with pytest.raises(DataError, match="isic cannot be cut so that each part has both classes") as caught:
        training_splits(resolved(root, validation_fraction=fraction), store.root, 0)
    assert f"the {name} part has 0 positives and" in caught.value.faults[0]
    assert "validation_fraction" in caught.value.fix


@pytest.mark.parametrize("changes", [{}, {"fixed": True}, {"folds": 4, "fold": 1}, {"imbalance": 1.5}])
def test_planned_counts_are_those_of_the_splits(root, store, resolved, changes, monkeypatch):
    plan = resolved(root, **changes)
    with monkeypatch.context() as patch:
        patch.setattr(pictures, "decoded", lambda *_: pytest.fail("a plan decodes nothing"))
        planned = planned_parts(plan, 2)
    found = {name: (split.positives, split.negatives) for name, split in splits_of(plan, store.root, 2).items()}
    assert planned == found


class Unsplit(FileDataset):
    """A set whose publisher gives no split: 40 grey images, every fourth positive."""

    name = "unsplit"
    version = "1"
    classes = ("a", "b")
    licence = citation = "none"
    in_folder = False

    def samples(self, folder):
        return [Sample(id=f"{number:02d}", label=int(number % 4 == 0)) for number in range(40)]

    def images(self, samples, size):
        return (np.full((3, size, size), int(sample.id), dtype=np.uint8) for sample in samples)


def test_a_set_without_a_split_is_cut_and_its_test_images_are_the_same_for_every_seed(asked, register, store):
    register(unsplit=Unsplit)
    plan = asked("unsplit")
    cuts = [splits_of(plan, store.root, seed) for seed in range(4)]
    assert len({found.test.fingerprint for found in cuts}) == 1
    assert len({found.pool for found in cuts}) == 1
    assert len({found.validation.fingerprint for found in cuts}) == 4
    for found in cuts:
        assert sorted(found.train.ids + found.validation.ids + found.test.ids) == [f"{n:02d}" for n in range(40)]
        # A quarter of 10 positives and 30 negatives, then a quarter of what is left, each rounded to an even half.
        counts = [(split.positives, split.negatives) for _, split in found.items()]
        assert counts == [(6, 16), (2, 6), (2, 8)]


# --- fingerprints


@pytest.fixture
def fingerprints(resolved, forget):
    """Return a function that gives those of training, validation, test and pool, read anew."""

    def call(root, store):
        forget()
        found = splits_of(resolved(root), store.root, 0)
        return [*(split.fingerprint for _, split in found.items()), found.pool]

    return call


def differences(before, after):
    names = ("train", "validation", "test", "pool")
    return {name for name, left, right in zip(names, before, after, strict=True) if left != right}


def test_a_changed_image_changes_its_splits_fingerprint_and_no_other(root, store, small, resolved, fingerprints):
    before = fingerprints(root, store)
    validation = training_splits(resolved(root), store.root, 0)[1].ids
    for split, held_out, changed in (
        ("train", False, {"train", "pool"}),
        ("train", True, {"validation", "pool"}),
        ("test", False, {"test"}),
    ):
        number = next(n for n in range(8) if (small.identity(split, n) in validation) == held_out)
        small.draw_image(small.image_path(root, split, number), number + (800 if split == "test" else 900))
        after = fingerprints(root, store)
        assert differences(before, after) == changed
        before = after


def test_a_changed_label_changes_the_fingerprint(root, store, small, fingerprints):
    before = fingerprints(root, store)
    small.write_labels(root, "test", [(number, number in (0, 2)) for number in range(8)])
    assert differences(before, fingerprints(root, store)) == {"test"}


def test_a_moved_or_touched_data_folder_keeps_its_fingerprints(root, store, tmp_path, small, fingerprints):
    before = fingerprints(root, store)
    os.utime(small.image_path(root, "train", 0), (1, 1))
    assert fingerprints(root, store) == before
    shutil.move(root, tmp_path / "moved")
    assert fingerprints(tmp_path / "moved", store) == before


def test_the_pool_is_the_same_for_all_that_is_drawn_from_it(root, store, resolved):
    def pool(**changes):
        return pool_fingerprint(resolved(root, **changes), store.root)

    usual = pool()
    assert pool(validation_fraction=0.5) == pool(fixed=True, split_seed=3) == usual
    assert len({usual, *(pool(folds=4, fold=fold) for fold in range(1, 5))}) == 5


class Moved(Dataset):
    """The same six images, of which one is the publisher's validation or not."""

    name = "moved"
    version = "1"
    classes = ("a", "b")
    licence = citation = "none"
    held_out = ("0", "1")

    def samples(self, folder):
        return [
            Sample(
                id=f"{n}", label=n % 2, split="test" if n > 5 else "validation" if f"{n}" in self.held_out else "train"
            )
            for n in range(8)
        ]

    def images(self, samples, size):
        return (np.full((3, size, size), int(sample.id), dtype=np.uint8) for sample in samples)


def test_the_pool_knows_what_its_publisher_holds_out(asked, register, store, monkeypatch, forget):
    register(moved=Moved)
    first = splits_of(asked("moved"), store.root, 0)
    assert first.validation.ids == ("0", "1")
    forget()
    monkeypatch.setattr(Moved, "held_out", ("2", "3"))
    again = splits_of(asked("moved"), store.root, 0)
    assert again.validation.ids == ("2", "3")
    assert again.pool != first.pool
    assert again.test.fingerprint == first.test.fingerprint


def test_an_image_file_of_the_store_is_what_the_splits_show(root, store, resolved):
    train, _ = training_splits(resolved(root), store.root, 0)
    (folder,) = (folder for folder, kind in store.folders() if kind == "images")
    before = sha256_of(folder / image_cache.IMAGES)
    file = np.memmap(folder / image_cache.IMAGES, dtype=np.uint8, mode="r").reshape(-1, 3, 64, 64)
    assert np.array_equal(file[train.images.rows.numpy()], train.images[:].numpy())
    train.images[:].zero_()  # a copy
    assert sha256_of(folder / image_cache.IMAGES) == before
