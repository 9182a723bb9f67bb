"""What MLflow is told of a data set: name, digest, counts, and a source that is no place on this machine."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mlflow.data import get_source
from mlflow.entities import Dataset as MlflowDataset

from harness.data.dataset import RemoteFile
from harness.data.image_split import ImageSplit
from harness.datasets.isic import Isic
from harness.datasets.isic_sim import IsicSim
from harness.running.used_data import used_data


def split(*labels, shade=0):
    images = torch.full((len(labels), 3, 4, 4), shade, dtype=torch.uint8)
    return ImageSplit.of(images, torch.tensor(labels, dtype=torch.uint8), [str(index) for index in range(len(labels))])


def test_each_split_is_told_by_name_fingerprint_and_counts():
    train, test = split(0, 1, 1), split(0, 0, 0, 1)
    first, second = used_data(Isic(), [("train", train), ("test", test)])
    assert (first.name, first.split, first.digest) == ("isic", "train", train.fingerprint[:36])
    assert json.loads(first.profile) == {"num_rows": 3, "positives": 2, "negatives": 1}
    assert (second.name, second.split, second.digest) == ("isic", "test", test.fingerprint[:36])
    assert json.loads(second.profile) == {"num_rows": 4, "positives": 1, "negatives": 3}


@pytest.mark.parametrize("other", [split(0, 1, 1, shade=1), split(1, 1, 0), split(0, 1)])
def test_other_pixels_labels_or_images_are_another_data_set(other):
    (one,), (two,) = (used_data(Isic(), [("train", each)]) for each in (split(0, 1, 1), other))
    assert one.digest != two.digest


def source_of(dataset):
    (used,) = used_data(dataset, [("train", split(0, 1))])
    return used, get_source(MlflowDataset("x", "d", used.source_type, used.source))  # as MLflow's own users ask


def test_files_are_from_where_the_publisher_offers_them():
    used, source = source_of(Isic())
    assert source.to_dict() == {"url": "https://isic-archive.s3.amazonaws.com/challenges/2016"}
    assert used.source_type == "http"


def test_drawn_images_are_from_the_code_that_draws_them():
    used, source = source_of(IsicSim())
    tags = {"mlflow.source.name": "harness.datasets.isic_sim", "dataset": "isic-sim", "version": IsicSim.version}
    assert source.to_dict() == {"tags": tags}
    assert used.source_type == "code"


def test_no_source_tells_a_secret_or_a_place_on_this_machine():
    remote = RemoteFile(name="x.zip", mirrors=("https://me:S3CRET@host/sets/x.zip?token=T0KEN",))
    used, _ = source_of(SimpleNamespace(name="x", version="1", remote_files=[remote]))
    assert json.loads(used.source) == {"url": "https://host/sets"}
    local = replace(remote, mirrors=("file:///home/somebody/x.zip",))
    used, _ = source_of(SimpleNamespace(name="x", version="1", remote_files=[local]))
    assert "home" not in used.source
    used, _ = source_of(SimpleNamespace(name="x", version="1", remote_files=()))
    assert str(Path.home()) not in used.source
