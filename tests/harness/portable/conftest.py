"""A tiny network with its nameplate."""

import pytest
import torch

from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise, skeleton
from harness.portable.nameplate import Nameplate, Preprocessing
from harness.portable.shipped_network import ShippedNetwork

SIZE = 63


def nameplate(**told):
    usual = {
        "dataset": "isic-sim",
        "entry": "lt[rate=0.75]",
        "density": 0.0625,
        "seed": 0,
        "network": "tiny",
        "classes": ("benign", "malignant"),
        "preprocessing": Preprocessing(size=SIZE),
        "thresholds": {"argmax": 0.0, "deployed": -0.125},
    }
    return Nameplate(**{**usual, **told})


@pytest.fixture
def shipped():
    """A tiny network of random weights, half of them zero."""
    network = build(Architecture("tiny"))
    initialise(network, torch.Generator().manual_seed(0))
    with torch.no_grad():
        for weight in network.parameters():
            weight.masked_fill_(torch.rand(weight.shape, generator=torch.Generator().manual_seed(1)) < 0.5, 0)
    return ShippedNetwork(network, nameplate())


@pytest.fixture
def images():
    """Seven images, uint8."""
    return torch.randint(0, 256, (7, 3, SIZE, SIZE), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def make_shipped():
    """Return a function that makes a network to ship: all drawn, norms as after some training."""

    def make(name="tiny", size=SIZE, shapes=None, **arguments):
        network = build(Architecture(name, arguments, shapes or {}))
        draws = torch.Generator().manual_seed(0)
        initialise(network, draws)
        for layer in network.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.running_mean.normal_(0, 0.1, generator=draws)
                layer.running_var.uniform_(0.5, 2, generator=draws)
        plate = nameplate(network=name, preprocessing=Preprocessing(size=size))
        return ShippedNetwork(network, plate)

    return make


@pytest.fixture
def draw():
    """Return a function that draws uint8 images (N, 3, S, S)."""

    def drawn(count, size=SIZE):
        return torch.randint(0, 256, (count, 3, size, size), generator=torch.Generator().manual_seed(1)).byte()

    return drawn


@pytest.fixture
def narrow_shapes():
    """Return a function: the shapes of a small-cnn whose convolutions have so many channels."""

    def shapes(*widths):
        found, before = {}, 3
        for index, width in enumerate(widths, start=1):
            found[f"features.conv{index}.weight"] = [width, before, 3, 3]
            for part in ("weight", "bias", "running_mean", "running_var"):
                found[f"features.norm{index}.{part}"] = [width]
            before = width
        usual = skeleton(Architecture("small-cnn")).state_dict()
        return {
            name: shape
            for name, shape in {**found, "head.1.weight": [2, before]}.items()
            if list(usual[name].shape) != shape
        }

    return shapes
