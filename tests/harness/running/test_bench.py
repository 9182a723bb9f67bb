"""Which convolutions W0 and a method's own network start from; features made up here."""

from types import SimpleNamespace

import pytest
import torch

from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise, state_of
from harness.running import bench as start_module
from harness.running.bench import InitialNetworks
from harness.storage.store import Store

OWN = Architecture("mobilenet-v1", {"width": 0.0625})


@pytest.fixture
def begin(monkeypatch, tmp_path, splits):
    """Return a function (weights) -> InitialNetworks whose pretrained or read convolutions are all 0.25 or 0.5."""

    def filled(architecture, value):
        network = build(architecture)
        initialise(network, torch.Generator().manual_seed(0))
        features = {name: tensor for name, tensor in state_of(network).items() if name.endswith("conv1.weight")}
        features |= {name: tensor for name, tensor in state_of(network).items() if name.endswith("block0.conv.weight")}
        return {name: torch.full_like(tensor, value) + 0.1 * tensor for name, tensor in features.items()}

    monkeypatch.setattr(start_module, "pretrained_features", lambda _store, kind, *_: filled(kind, 0.25))
    monkeypatch.setattr(start_module, "features_from_file", lambda _path, kind: filled(kind, 0.5))

    def make(weights, seed=0):
        plan = SimpleNamespace(
            network="tiny",
            weights=weights,
            weights_file="some.pth",
            pretraining=None,
            data=SimpleNamespace(size=16),
            environment="test machine",
        )
        return InitialNetworks(plan, Store(tmp_path / "store"), splits[0].images, seed)

    return make


def level(network, name):
    return float(state_of(network)[name].mean())


def test_w0_takes_the_convolutions_that_the_plan_names(begin):
    name = "features.conv1.weight"
    assert level(begin("simulated").w0(), name) == pytest.approx(0.25, abs=0.05)
    assert level(begin("imagenet:01").w0(), name) == pytest.approx(0.5, abs=0.05)
    assert level(begin("kaiming").w0(), name) == pytest.approx(0.0, abs=0.05)


def test_a_methods_own_network_is_pretrained_as_w0_is_but_never_read_from_its_file(begin):
    name = "features.block0.conv.weight"
    assert level(begin("simulated").own(OWN), name) == pytest.approx(0.25, abs=0.1)
    for weights in ("kaiming", "imagenet:01", "file:01"):
        assert level(begin(weights).own(OWN), name) == pytest.approx(0.0, abs=0.1)


def test_a_methods_own_network_depends_on_its_seed_and_is_the_same_each_time(begin):
    first, again, other = (begin("kaiming", seed).own(OWN) for seed in (0, 0, 1))
    assert torch.equal(state_of(first)["head.1.weight"], state_of(again)["head.1.weight"])
    assert not torch.equal(state_of(first)["head.1.weight"], state_of(other)["head.1.weight"])
