import pytest
import torch

from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise
from harness.portable.nameplate import Nameplate, Preprocessing
from harness.portable.shipped_network import ShippedNetwork


def drawn_network(seed=0, dataset="isic-sim", **plate):
    network = build(Architecture("small-cnn"))
    initialise(network, torch.Generator().manual_seed(seed))
    told = {"entry": "dense", "density": 1.0, "seed": seed, "network": "small-cnn", "classes": ("benign", "malignant")}
    size = Preprocessing(size=64, **plate.pop("preprocessing", {}))
    return ShippedNetwork(network, Nameplate(dataset=dataset, preprocessing=size, **told | plate))


@pytest.fixture
def shipped():
    """A function that draws a network as it ships, for the simulated lesions."""
    return drawn_network
