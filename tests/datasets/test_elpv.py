"""A false package in the place of the real one, and the real one where it is installed."""

import importlib.util
import sys
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from harness.data.asked import Asked
from harness.data.completeness import lacking
from harness.data.dataset import full_name, options_of
from harness.data.draw import Cutting
from harness.data.labelled import labelled
from harness.data.locating import DataPlan, resolve_data
from harness.datasets.elpv import Elpv, read_labels
from harness.errors import DataError, DatasetNotFound, UsageError

LINES = {
    "cell0003": "1.0                 mono",
    "cell0001": "0.0                 poly",
    "cell0002": "0.3333333333333333  mono",
    "cell0004": "0.6666666666666666  poly",
}
PLAN = DataPlan(asked=Asked(kind="elpv"), folder=None, size=16, cutting=Cutting(0.2, 0.2, False, 0))


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package whose code may not run, with four cells, before the real one on the path."""
    folder = tmp_path / "elpv_dataset"
    (folder / "data" / "images").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('imported')")
    labels = "".join(f"images/{cell}.png  {rest}\n" for cell, rest in LINES.items())
    (folder / "data" / "labels.csv").write_text(labels)
    for cell in LINES:
        Image.new("L", (4, 4), 7).save(folder / "data" / "images" / f"{cell}.png")
    monkeypatch.delitem(sys.modules, "elpv_dataset", raising=False)  # of a test that imported the real one
    monkeypatch.syspath_prepend(tmp_path)
    return folder


@pytest.mark.parametrize(
    ("strict", "expected"),
    [
        (False, {"cell0001": 0, "cell0002": 0, "cell0003": 1, "cell0004": 1}),
        (True, {"cell0001": 0, "cell0003": 1}),
    ],
)
def test_a_defect_probability_above_one_half_is_positive(package, tmp_path, strict, expected):
    samples = Elpv(strict=strict).samples(tmp_path / "nowhere")
    assert [(sample.id, sample.label) for sample in samples] == list(expected.items())
    assert [sample.path for sample in samples] == [package / "data" / "images" / f"{cell}.png" for cell in expected]
    assert all(sample.is_here and sample.split is None and sample.group is None for sample in samples)
    assert "elpv_dataset" not in sys.modules


def test_without_the_package_the_command_that_installs_it_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "elpv_dataset", None)
    for plan in (
        PLAN,
        DataPlan(asked=Asked(kind="elpv", options=(("strict", True),)), folder=None, size=16, cutting=PLAN.cutting),
    ):
        with pytest.raises(DatasetNotFound) as caught:
            resolve_data(plan, tmp_path, allow_missing=True, real_only=False)
        assert "elpv-dataset" in caught.value.message
        assert caught.value.fix.startswith("pip install 'prune-harness[elpv]'")
        assert caught.value.exit_code == 4


def test_a_package_without_its_labels_or_images_is_told(package, tmp_path):
    with pytest.raises(DataError) as caught:
        resolve_data(PLAN, tmp_path, allow_missing=False, real_only=False)
    assert caught.value.message == "elpv is not complete"
    assert caught.value.faults[0] == "all: 4 of 2624 images"
    plan = resolve_data(PLAN, tmp_path, allow_missing=True, real_only=False)
    assert plan.missing == (("all", 4, 2624),)
    assert plan.folder is None
    (package / "data" / "labels.csv").unlink()
    with pytest.raises(DatasetNotFound) as caught:
        resolve_data(PLAN, tmp_path, allow_missing=True, real_only=False)
    assert str(package) in caught.value.message
    assert "--force-reinstall" in caught.value.fix


def test_every_faulty_line_is_told(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(
        "images/cell0001.png  1.0  mono\n\n"
        "images/cell0002.png  high  mono\n"
        "images/cell0003.png  1.5  poly\n"
        "images/cell0004.png  nan  poly\n"
        "images/cell0005.png  0.0  silicon\n"
        "images/cell0006.png  0.0\n"
        "images/cell0007.png,0.0,mono\n"
        "/etc/cell0008.png  0.0  mono\n"
        "images/../cell0009.png  0.0  mono\n"
        "images/cell0001.png  0.0  mono\n"
    )
    with pytest.raises(DataError) as caught:
        read_labels(path)
    assert not isinstance(caught.value, DatasetNotFound)
    assert [fault.partition(":")[0] for fault in caught.value.faults] == [f"line {number}" for number in range(3, 12)]
    for words in (
        "'high'",
        "1.5, not one from 0 to 1",
        "nan, not one",
        "silicon",
        "listed again",
        "not lie in images/",
    ):
        assert words in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xff\xfe\x00", b"a b c\n" * 80])
def test_what_is_no_label_file_is_refused_with_at_most_fifty_faults(tmp_path, content):
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_labels(path)
    assert 1 <= len(caught.value.faults) <= 51


def test_the_option_is_in_the_name_and_the_key():
    assert full_name(Elpv()) == "elpv"
    assert Asked(kind="elpv", options=(("strict", True),)).name == "elpv[strict=true]"
    assert options_of(Elpv(strict=True)) == {"strict": True}
    with pytest.raises(UsageError):
        Asked(kind="elpv", options=(("strict", "perhaps"),)).dataset()


real = pytest.mark.skipif(importlib.util.find_spec("elpv_dataset") is None, reason="elpv-dataset is not installed")


@real
@pytest.mark.parametrize(("strict", "counts"), [(False, (1803, 821)), (True, (1508, 715))])
def test_the_real_package_has_the_stated_cells(tmp_path, strict, counts):
    dataset = Elpv(strict=strict)
    samples = labelled(dataset, tmp_path)
    by_label = Counter(sample.label for sample in samples)
    assert (by_label[0], by_label[1]) == counts == dataset.official_counts[None]
    assert lacking(dataset, tmp_path) == []


@real
def test_the_real_images_are_grey_and_300_pixels_wide(tmp_path):
    for sample in list(Elpv().samples(tmp_path))[::500]:
        with Image.open(sample.path) as image:
            assert (image.size, image.mode) == ((300, 300), "L")
            assert np.asarray(image).std() > 1
