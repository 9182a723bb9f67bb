import pytest
import torch

from harness.errors import HarnessError
from harness.initial.head import initial_network, responds
from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise, state_of
from harness.storage.store import Store


def test_w0_depends_on_the_seed_alone(tmp_path, splits):
    train, _ = splits
    states = [
        state_of(
            initial_network(Store(tmp_path / name), Architecture("tiny"), None, train.images, seed, "test machine")
        )
        for name, seed in (("a", 0), ("b", 0), ("a", 1))
    ]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not torch.equal(states[0]["features.conv1.weight"], states[2]["features.conv1.weight"])


def test_a_head_of_dead_units_is_drawn_again(tmp_path, splits):
    """The paper's 8-8-2 head: what is returned responds, and a head that is dead by construction does not."""
    images = torch.randint(0, 255, (8, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    network = initial_network(Store(tmp_path / "s"), Architecture("alexnet"), None, images, 0, "test machine")
    assert responds(network, images)
    with torch.no_grad():
        network.head[4].bias.fill_(-1e6)
    assert not responds(network, images)


def test_a_head_is_dead_whatever_its_activation_is():
    """torchvision's MobileNetV3 has a Hardswish between two linear layers, and a dropout."""
    images = torch.randint(0, 255, (8, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    network = build(Architecture("torchvision:mobilenet_v3_small"))
    initialise(network, torch.Generator().manual_seed(0))
    assert responds(network, images)
    with torch.no_grad():
        network.head[0].bias[:800] = -1e6  # most of its 1024 units are 0 whatever they read
    assert not responds(network, images)


def test_a_network_that_never_responds_is_refused(tmp_path, splits):
    train, _ = splits
    dead = {
        name: torch.zeros_like(t) for name, t in state_of(build(Architecture("tiny"))).items() if "features" in name
    }
    with pytest.raises(HarnessError, match="no head of tiny responds"):
        initial_network(Store(tmp_path / "s"), Architecture("tiny"), dead, train.images, 0, "test machine")
