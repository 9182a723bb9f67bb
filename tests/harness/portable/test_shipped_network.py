"""Pixels in, scores out: the same as the harness's own scoring, and from the image file the same as its decoding."""

import numpy as np
import pytest
import torch
from PIL import Image

from harness.errors import DataError
from harness.images.decoding import Conversion, bit_depth, decoded
from harness.networks.architecture import positive_scores
from harness.portable.nameplate import Nameplate, Preprocessing
from harness.portable.shipped_network import ShippedNetwork
from harness.training.inference import outputs_of
from tests.harness.portable.conftest import nameplate


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


@pytest.fixture
def deep(tmp_path):
    """Writes a grey image of 16 bits whose values go from 0 to a highest one."""

    def write(highest):
        values = np.linspace(0, highest, 64 * 64).reshape(64, 64).astype(np.uint16)
        Image.fromarray(values).save(tmp_path / f"{highest}.png")
        return tmp_path / f"{highest}.png"

    return write


def prepares(shipped, **told):
    return ShippedNetwork(shipped.network, nameplate(preprocessing=Preprocessing(size=63, **told)))


def test_a_deep_image_has_the_scale_of_the_set_and_not_its_own(shipped, deep):
    paths = [deep(900), deep(3000), deep(4095)]
    network = prepares(shipped, depth=bit_depth(paths, Conversion()))
    again = Nameplate.from_text(network.nameplate.to_text(), "it")
    assert again == network.nameplate
    for path, together in zip(paths, decoded(paths, 63, Conversion()), strict=True):
        alone = ShippedNetwork(shipped.network, again).prepare(path)[0].numpy()
        assert np.array_equal(alone, together)
        assert alone.max() == pytest.approx(255 * int(path.stem) / 4095, abs=3)


def test_a_deep_image_whose_scale_is_not_known_is_refused(shipped, deep):
    with pytest.raises(DataError, match="16 bits a value, and on which scale"):
        shipped.prepare(deep(4095))
    with pytest.raises(DataError, match="values to 60,000, and white is 4,095"):
        prepares(shipped, depth=bit_depth([deep(4095)], Conversion())).prepare(deep(60_000))


def test_large_images_are_read_where_the_run_read_them(shipped, tmp_path):
    Image.new("RGB", (50, 50)).save(tmp_path / "image.png")
    assert prepares(shipped, max_pixels=2500).prepare(tmp_path / "image.png").shape == (1, 3, 63, 63)
    with pytest.raises(DataError, match="more than 2,499"):
        prepares(shipped, max_pixels=2499).prepare(tmp_path / "image.png")


def test_a_file_of_before_is_read_as_it_was(shipped):
    told = shipped.nameplate.to_json()
    assert not {"depth", "max_pixels"} & told["preprocessing"].keys()
    assert Nameplate.from_json(told, "it") == shipped.nameplate


@pytest.mark.parametrize("depth", [{"deep": 1, "highest": 70_000}, {"deep": -1}, {"deep": 1, "usual": 9}, {"x": 1}, 3])
def test_a_scale_of_no_images_is_refused(shipped, depth):
    told = shipped.nameplate.to_json()
    with pytest.raises(DataError):
        Nameplate.from_json({**told, "preprocessing": {**told["preprocessing"], "depth": depth}}, "it")


def test_what_is_no_image_is_refused(shipped, tmp_path):
    (tmp_path / "image.png").write_bytes(b"no image")
    with pytest.raises(DataError, match="cannot be read as an image"):
        shipped.prepare(tmp_path / "image.png")


def test_thresholds_are_those_of_the_nameplate(shipped):
    assert shipped.thresholds == {"argmax": 0.0, "deployed": -0.125}
