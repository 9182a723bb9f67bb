"""The code of another distribution's network is a part of every key that its architecture is in; ours never is."""

import sys

import pytest

from harness.networks.architecture import Architecture, Network
from harness.networks.registered import INTERNAL, built_in
from harness.plugins import NETWORKS
from harness.storage.canonical import digest
from harness.storage.network_code import network_code

MODULE = """
from torch import nn
from harness.networks import Network
from fake_network.blocks import WIDTH

class Net(Network):
    def __init__(self, width=WIDTH):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, width, 3, 2), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(width, 2))
"""


@pytest.fixture
def written(install):
    """Install a network in a package of two files; return a function that writes a file and gives the new key."""
    site = install("fake-network", {NETWORKS: {"net": "fake_network:Net"}})
    folder = site / "fake_network"
    folder.mkdir()
    files = {"__init__": MODULE, "blocks": "WIDTH = 8\n"}

    def key(**changed):
        for name, text in {**files, **changed}.items():
            (folder / f"{name}.py").write_text(text)
        for name in [name for name in sys.modules if name.startswith("fake_network")]:
            del sys.modules[name]
        return digest({"architecture": Architecture("net")})

    return key


def test_a_changed_network_is_another_key_and_a_comment_is_not(written):
    first = written()
    assert written(__init__=MODULE + "# a comment\n") == first
    assert written(__init__=MODULE.replace("nn.ReLU()", "nn.GELU()")) != first
    assert written(blocks="WIDTH = 9\n") != first
    assert written() == first


def test_our_own_networks_are_known_by_name_alone():
    assert all(network_code(Architecture(name)) == [] for name in built_in())
    assert network_code(Architecture("nobody's")) == []


def test_a_network_that_is_made_of_another_one_is_known_by_that_ones_code(written, monkeypatch):
    class Probe(Network):
        @classmethod
        def made_of(cls, arguments):
            return (Architecture(arguments["of"]),)

    Probe.__module__ = "harness.networks.somewhere"
    monkeypatch.setitem(INTERNAL, "probe-of", Probe)
    written()
    assert network_code(Architecture("probe-of", {"of": "small-cnn"})) == []
    assert network_code(Architecture("probe-of", {"of": "net"})) == network_code(Architecture("net")) != []
