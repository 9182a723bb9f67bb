import math

import pytest
import torch

from harness.data.image_split import ImageSplit
from harness.networks.architecture import Architecture
from harness.networks.factories import build
from harness.sparsity.mask import Mask
from harness.storage.canonical import digest
from harness.storage.store import Store
from harness.training.fit import TRAINING_VERSION


def counted(*shape):
    return torch.arange(math.prod(shape)).sub(5).view(shape)


def counted_split(images):
    labels = (torch.arange(images) % 3 == 0).to(torch.uint8)
    pixels = (counted(images, 3, 8, 8) % 251).to(torch.uint8)
    return ImageSplit.of(pixels, labels, [f"image {index}" for index in range(images)])


@pytest.fixture
def splits():
    """Images that no generator draws, so that their fingerprints are the same for ever."""
    return counted_split(12), counted_split(6)


class Asked(Exception):  # noqa: N818
    """A stage is asked for: its kind and inputs."""


@pytest.mark.parametrize(
    ("loss", "round", "masked", "recorded"),
    [
        ("black", 1, True, "57f575c99883df0f209598f17e5f6e1b9713f84c71405ecc89465c32797b6dc1"),
        ("black-pointwise", 1, True, "17e713e03c71842f70e80ed8b0654e0d1e375f7fad182a74a9b66c91683a6cf8"),
        ("plain", 0, False, "4182fb56753d7997049fa6c50d48173475ae2df38ff4dfccd9153156bafefca8"),
    ],
)
def test_a_training_of_old_is_found_under_its_key(make_bench, monkeypatch, loss, round, masked, recorded):
    """Recorded under version 1, before classes had names in keys."""

    def asked(_, kind, inputs, __):
        raise Asked(kind, inputs)

    network = build(Architecture("small-cnn", {"widths": [3, 4, 5, 6]}))
    for tensor in network.state_dict().values():
        tensor.copy_(counted(*tensor.shape) / 64 if tensor.dim() else torch.zeros(()))
    weights = {name: tensor > 0 for name, tensor in network.state_dict().items() if tensor.dim() == 4}
    monkeypatch.setattr(Store, "run", asked)
    with pytest.raises(Asked) as stage:
        make_bench(loss).train(network, Mask(weights, 700) if masked else None, round)
    kind, inputs = stage.value.args
    assert inputs["version"] == TRAINING_VERSION
    assert digest([kind, {**inputs, "version": 1}]) == recorded
