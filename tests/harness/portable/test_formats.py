"""Each format against the network itself, with normalisation written out."""

import numpy as np
import pytest
import torch

from harness.networks.registered import built_in
from harness.portable.formats import Format, content_of, scores_of

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def by_hand(shipped, images):
    """One image at a time, in float64 until the network reads it."""
    found = []
    for image in images.double():
        pixels = torch.stack([(image[c] / 255 - MEAN[c]) / STD[c] for c in range(3)]).float()
        with torch.no_grad():
            negative, positive = shipped.network(pixels[None])[0]
        found.append(float(positive - negative))
    return np.array(found)


def through_a_file(shipped, form, images, folder):
    path = folder / f"network.{form}"
    path.write_bytes(content_of(shipped, form))
    return [scores_of(path, form, some) for some in images], path.read_bytes()


def assert_same(shipped, form, images, folder):
    wanted = by_hand(shipped, images)
    (found,), content = through_a_file(shipped, form, [images], folder)
    assert found.dtype == np.float32
    assert found.shape == (len(images),)
    assert np.abs(found - wanted).max() <= 1e-4 * max(1.0, np.abs(wanted).max())
    return content


@pytest.mark.parametrize("form", Format)
def test_a_file_scores_as_the_network(form, make_shipped, narrow_shapes, draw, tmp_path):
    """A narrow one, of one channel here and there; of 33 images one is left alone in a batch of onnxruntime."""
    shipped = make_shipped("small-cnn", size=64, shapes=narrow_shapes(1, 7, 1, 128))
    content = assert_same(shipped, form, draw(33, 64), tmp_path)
    assert b".py" not in content, "it names a source of this machine"
    assert b"/harness/" not in content
    assert shipped.nameplate.dataset.encode() in content


@pytest.mark.parametrize("form", Format)
def test_a_network_with_dead_layers_scores_all_images_alike(form, make_shipped, draw, tmp_path):
    shipped = make_shipped()
    with torch.no_grad():
        for layer in (shipped.network.features.conv2, shipped.network.features.norm2):
            layer.weight.zero_()
            layer.bias.zero_()
    every, _ = through_a_file(shipped, form, [draw(1), draw(33)], tmp_path)
    assert [len(found) for found in every] == [1, 33]
    for found in every:
        assert len({float(one) for one in found}) == 1
        assert found[0] == pytest.approx(by_hand(shipped, draw(1))[0], abs=1e-6)


@pytest.mark.long
@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("name", [*built_in(), "torchvision:mobilenet_v2", "torchvision:shufflenet_v2_x1_0"])
def test_every_network_scores_the_same_from_every_file(form, name, make_shipped, draw, tmp_path):
    assert_same(make_shipped(name, size=64), form, draw(3, 64), tmp_path)
