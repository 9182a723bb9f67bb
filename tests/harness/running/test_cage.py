from types import SimpleNamespace

import pytest
import torch

from harness.data.image_split import ImageSplit, Rows
from harness.running.cage import Cage, StateMoved, unchanged


def split_of(images):
    return ImageSplit(images, torch.tensor([0, 1, 0, 1], dtype=torch.uint8), tuple("abcd"), "fingerprint")


@pytest.fixture
def split():
    return split_of(torch.zeros(4, 3, 2, 2, dtype=torch.uint8))


@pytest.fixture
def rows():
    """The same four images as rows of six."""
    return split_of(Rows(torch.zeros(6, 3, 2, 2, dtype=torch.uint8), torch.tensor([5, 0, 1, 3])))


def watching(*splits):
    cage = Cage()
    cage.watch(*splits)
    return cage


def test_what_moved_once_is_told_ever_after_also_when_it_was_put_back(split):
    cage = watching(split)
    cage.check()
    torch.set_grad_enabled(False)
    try:
        with pytest.raises(StateMoved, match=r"the method changed torch's gradient mode \(.*True.* -> .*False.*\)"):
            cage.check()
    finally:
        torch.set_grad_enabled(True)
    with pytest.raises(StateMoved, match="torch's gradient mode"):
        cage.check()
    watching(split).check()


@pytest.mark.parametrize("name", ["images", "labels"])
def test_a_split_that_shows_other_memory_is_told(split, name):
    cage = watching(split)
    getattr(split, name).data = torch.ones_like(getattr(split, name))
    with pytest.raises(StateMoved, match="the images of a split"):
        cage.check()


@pytest.mark.parametrize("name", ["source", "rows"])
def test_rows_that_show_other_images_are_told(rows, name):
    cage = watching(rows)
    cage.check()
    tensor = getattr(rows.images, name)
    tensor.data = torch.zeros_like(tensor)
    with pytest.raises(StateMoved, match="the images of a split"):
        cage.check()


def test_what_has_moved_is_not_forgotten_when_another_seeds_splits_are_watched_too(split, rows):
    cage = watching(split)
    split.labels.data = torch.ones_like(split.labels)
    cage.watch(rows)
    with pytest.raises(StateMoved, match="the images of a split"):
        cage.check()


def test_of_many_changes_a_few_are_named():
    cage = Cage()
    before = torch.get_rng_state()
    torch.rand(1)
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    torch.use_deterministic_algorithms(True)
    try:
        with pytest.raises(StateMoved, match=r", [1-9] more: it decides results"):
            cage.check()
    finally:
        torch.use_deterministic_algorithms(False)
        torch.set_grad_enabled(True)
        torch.set_default_dtype(torch.float32)
        torch.set_rng_state(before)


def test_a_part_of_a_bench_that_was_exchanged_is_told():
    bench = SimpleNamespace(_train="images", _seed=0)
    check = unchanged(bench)
    bench.note = "a method may add what it likes"
    check()
    bench._train = "others"
    with pytest.raises(StateMoved, match="the method changed _train of its bench"):
        check()
