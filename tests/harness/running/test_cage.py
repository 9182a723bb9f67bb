from types import SimpleNamespace

import pytest
import torch

from harness.data.image_split import ImageSplit
from harness.running.cage import Cage, StateMoved, unchanged


@pytest.fixture
def split():
    images = torch.zeros(4, 3, 2, 2, dtype=torch.uint8)
    return ImageSplit.of(images, torch.tensor([0, 1, 0, 1], dtype=torch.uint8), list("abcd"))


def test_what_moved_once_is_told_ever_after_also_when_it_was_put_back(split):
    cage = Cage(split)
    cage.check()
    torch.set_grad_enabled(False)
    try:
        with pytest.raises(StateMoved, match=r"the method changed torch's gradient mode \(.*True.* -> .*False.*\)"):
            cage.check()
    finally:
        torch.set_grad_enabled(True)
    with pytest.raises(StateMoved, match="torch's gradient mode"):
        cage.check()
    Cage(split).check()


@pytest.mark.parametrize("name", ["images", "labels"])
def test_a_split_that_shows_other_memory_is_told(split, name):
    cage = Cage(split)
    getattr(split, name).data = torch.ones_like(getattr(split, name))
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
