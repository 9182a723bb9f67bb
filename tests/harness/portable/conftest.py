"""A tiny network with its nameplate."""

import pytest
import torch

from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise
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
