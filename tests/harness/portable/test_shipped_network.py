"""Pixels in, scores out: the same as the harness's own scoring, and from the image file the same as its decoding."""

import numpy as np
import pytest
import torch
from PIL import Image

from harness.errors import DataError
from harness.images.decoding import Conversion, decoded
from harness.networks.architecture import positive_scores
from harness.training.inference import outputs_of


def test_scores_are_those_that_a_run_gives(shipped, images):
    expected = positive_scores(outputs_of(shipped.network, images, torch.device("cpu")))
    assert torch.equal(shipped(images), expected)


def test_normalisation_is_that_of_the_nameplate(shipped, images):
    pixels = (images.double() / 255 - torch.tensor(shipped.preprocessing.mean).view(3, 1, 1)) / torch.tensor(
        shipped.preprocessing.std
    ).view(3, 1, 1)
    assert torch.allclose(shipped(images), positive_scores(shipped.network(pixels.float())), atol=1e-5)


def test_an_image_file_is_prepared_as_a_run_decodes_it(shipped, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "image.png")
    (expected,) = decoded([tmp_path / "image.png"], 63, Conversion())
    assert np.array_equal(shipped.prepare(tmp_path / "image.png")[0].numpy(), expected)


def test_what_is_no_image_is_refused(shipped, tmp_path):
    (tmp_path / "image.png").write_bytes(b"no image")
    with pytest.raises(DataError, match="cannot be read as an image"):
        shipped.prepare(tmp_path / "image.png")


def test_thresholds_are_those_of_the_nameplate(shipped):
    assert shipped.thresholds == {"argmax": 0.0, "deployed": -0.125}
