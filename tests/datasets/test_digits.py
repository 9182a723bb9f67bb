"""Nines among digits, held against scikit-learn's own arrays; cut by the harness, since nobody gives a split."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from harness.data.image_cache import ImageSet
from harness.data.loading import image_set, splits_of
from harness.data.locating import DataPlan
from harness.datasets.digits import Digits
from harness.planning.configuration import Configuration
from harness.planning.planner import Flags, build_plan
from harness.storage.store import Store

HERE = Path()


def test_each_nine_is_a_positive_and_no_other_digit_is() -> None:
    samples = Digits().samples(HERE)
    assert [sample.label for sample in samples] == [int(digit == 9) for digit in load_digits().target]
    assert Counter(sample.label for sample in samples) == {0: 1617, 1: 180}
    assert [sample.id for sample in samples] == sorted({sample.id for sample in samples})
    assert all(sample.split is None and sample.path is None and sample.is_here for sample in samples)


@pytest.mark.parametrize("size", [16, 63, 64])
def test_an_image_is_its_scan_enlarged(size: int) -> None:
    samples = Digits().samples(HERE)
    chosen = [samples[place] for place in (1796, 0, 9)]
    images = list(Digits().images(chosen, size))
    for sample, image in zip(chosen, images, strict=True):
        assert image.shape == (3, size, size)
        assert image.dtype == np.uint8
        assert (image == image[:1]).all()
        scan = load_digits().images[int(sample.id[-4:])] * 255 / 16
        assert float(image.mean()) == pytest.approx(float(scan.mean()), rel=0.08)
        if size % 8 == 0:  # each block's mean is about its pixel: the right scan, upright
            blocks = image[0].reshape(8, size // 8, 8, size // 8).mean((1, 3))
            assert np.corrcoef(blocks.ravel(), scan.ravel())[0, 1] > 0.97


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> tuple[DataPlan, Path]:
    store = tmp_path_factory.mktemp("digits") / "store"
    options = Configuration(network="small-cnn", weights="kaiming", data={"name": "digits-9", "size": 64})  # type: ignore[arg-type]
    return build_plan(options, Flags("quick", None, store))[0].data, store


@pytest.fixture(scope="module")
def found(plan: tuple[DataPlan, Path]) -> ImageSet:
    data, store = plan
    Store(store)
    return image_set(data, store)


def test_the_harness_reads_all_of_it_and_no_scan_is_there_twice(found: ImageSet) -> None:
    assert found.images.shape == (1797, 3, 64, 64)
    assert found.broken == ()
    assert len(np.unique(found.digests, axis=0)) == 1797


def test_the_harness_cuts_it_by_class(plan: tuple[DataPlan, Path], found: ImageSet) -> None:
    """Each part has a tenth of nines, as the whole; the test images are the same for every seed."""
    first, second = (splits_of(*plan, seed) for seed in (0, 1))
    for _, split in first.items():
        assert split.positives / len(split.labels) == pytest.approx(180 / 1797, abs=0.005)
    ids = [one for _, split in first.items() for one in split.ids]
    assert sorted(ids) == sorted(found.ids)
    assert first.test.ids == second.test.ids
    assert first.validation.ids != second.validation.ids
