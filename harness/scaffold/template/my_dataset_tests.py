"""Tests of my-dataset: the rules, on images that are drawn here, and what is said of a wrong label file."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from harness.data import DataError
from harness.testing import dataset_checks
from PIL import Image

from my_dataset import MyDataset


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data folder with 24 images in the data set's layout: write down your own."""
    folder = tmp_path / "my-dataset"
    folder.mkdir()
    lines = ["file,label,group"]
    for index in range(24):
        pixels = np.random.default_rng(index).integers(0, 256, (80, 96, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:02d}.png")
        lines.append(f"{index:02d}.png,{'abnormal' if index % 4 == 0 else 'normal'},patient {index // 2}")
    (folder / "labels.csv").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("check", dataset_checks(), ids=str)
def test_conformance(check: Callable[..., None], data_dir: Path) -> None:
    """Each rule of `harness check`, a test each."""
    check("my-dataset", data_dir)


def test_its_labels_are_those_of_the_file(data_dir: Path) -> None:
    """Some of them by hand."""
    samples = MyDataset().samples(data_dir / "my-dataset")
    assert [sample.label for sample in samples[:5]] == [1, 0, 0, 0, 1]
    assert samples[5].group == "patient 2"


def test_all_faults_are_told_by_line(tmp_path: Path) -> None:
    """Bad labels are refused whole."""
    (tmp_path / "labels.csv").write_text("file,label,group\na.png,Normal,1\nb.png\nc.png,normal,\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        MyDataset().samples(tmp_path)
    assert [fault.partition(" lacks")[0].partition(":")[0] for fault in caught.value.faults] == ["line 2", "line 3"]
