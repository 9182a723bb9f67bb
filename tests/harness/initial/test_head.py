from dataclasses import dataclass

import numpy as np
import pytest
import torch

from harness import plugins
from harness.data.dataset import SimulatedDataset
from harness.errors import DataError, HarnessError
from harness.initial.head import initial_network, responds
from harness.initial.pretraining import pretrained_features
from harness.initial.pretraining_options import Pretraining
from harness.initial.weights_file import features_from_file
from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise, state_of
from harness.storage.store import Store
from harness.training.augmentation import normalise
from harness.training.schedule import Schedule


@dataclass(frozen=True)
class Squares(SimulatedDataset):
    """A bright square whose side is the one latent variable; positive when it is large."""

    name = "squares"
    version = "1"
    classes = ("small", "large")
    latents = ("side",)
    oracle_auc = 1.0

    def latent_values(self, split):
        return np.random.default_rng(0).uniform(-1, 1, size=(300, 1)).astype(np.float32)

    def labels(self, split):
        return (self.latent_values(split)[:, 0] > 0).astype(np.uint8)

    def render(self, split, indices, size):
        images = np.empty((len(indices), 3, size, size), dtype=np.uint8)
        for image, index in zip(images, indices, strict=True):
            draws = np.random.default_rng([1, index])
            image[:] = draws.integers(20, 120, size=(3, size, size))
            edge = round(size * (0.35 + 0.25 * self.latent_values(split)[index, 0]))
            top, left = draws.integers(0, size - edge, size=2)
            image[:, top : top + edge, left : left + edge] = draws.integers(90, 250)
        return images


@pytest.fixture
def squares(monkeypatch):
    monkeypatch.setattr(plugins, "load", lambda _group, _name: Squares)


@pytest.fixture
def pretraining():
    return Pretraining(
        training=Schedule(
            epochs=25, batch_size=12, learning_rate=0.05, augmentation="none", precision="float32", device="cpu"
        )
    )


def test_pretraining_teaches_the_convolutions_alone(squares, pretraining, tmp_path):
    """A fresh linear head on the pretrained features separates the classes better than on random features."""
    architecture = Architecture("tiny")
    store = Store(tmp_path / "s")
    features = pretrained_features(store, architecture, pretraining, 16, "test machine")
    assert set(features) == {name for name in state_of(build(architecture)) if name.startswith("features.")}
    simulator = Squares()
    images = normalise(torch.from_numpy(simulator.render("x", range(300), 16)))
    side = simulator.latent_values("x")[:, 0]

    def unexplained(network):
        """Squared error of the best linear reading of the latent variable."""
        with torch.no_grad():
            pooled = np.c_[network.pooled(images).numpy(), np.ones(len(images))]
        return float(np.square(pooled @ np.linalg.lstsq(pooled, side, rcond=1e-4)[0] - side).sum())

    taught, untaught = build(architecture), build(architecture)
    for network in (taught, untaught):
        initialise(network, torch.Generator().manual_seed(0))
    taught.load_state_dict(features, strict=False)
    assert unexplained(taught) < 0.7 * unexplained(untaught)
    histories = [store.find(folder.name).value["history"] for folder, kind in store.folders() if kind == "pretrain"]
    assert histories[0][-1][0] < 0.5 * histories[0][0][0]


def test_pretraining_is_one_stage_for_all_seeds(squares, pretraining, tmp_path, splits):
    train, _ = splits
    store = Store(tmp_path / "s")
    starts = []
    for seed in (0, 1):
        features = pretrained_features(store, Architecture("tiny"), pretraining, 16, "test machine")
        starts.append(
            state_of(initial_network(store, Architecture("tiny"), features, train.images, seed, "test machine"))
        )
    assert [kind for _, kind in store.folders()].count("pretrain") == 1
    assert all(torch.equal(starts[0][name], starts[1][name]) for name in starts[0] if name.startswith("features."))
    assert not torch.equal(starts[0]["head.1.weight"], starts[1]["head.1.weight"])


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


def test_a_network_that_never_responds_is_refused(tmp_path, splits):
    train, _ = splits
    dead = {
        name: torch.zeros_like(t) for name, t in state_of(build(Architecture("tiny"))).items() if "features" in name
    }
    with pytest.raises(HarnessError, match="no head of tiny responds"):
        initial_network(Store(tmp_path / "s"), Architecture("tiny"), dead, train.images, 0, "test machine")


def test_a_weights_file_gives_its_convolutions_in_order(tmp_path):
    torchvision = pytest.importorskip("torchvision")
    theirs = torchvision.models.alexnet(num_classes=2)
    path = tmp_path / "alexnet.pth"
    torch.save(theirs.state_dict(), path)
    for factory in ("alexnet", "alexnet-bn"):
        features = features_from_file(path, Architecture(factory))
        for ours, index in (("conv1", 0), ("conv2", 3), ("conv3", 6), ("conv4", 8), ("conv5", 10)):
            assert torch.equal(features[f"features.{ours}.weight"], theirs.features[index].weight)
            assert torch.equal(features[f"features.{ours}.bias"], theirs.features[index].bias)


def test_a_weights_file_that_does_not_fit_or_holds_code_is_refused(tmp_path):
    path = tmp_path / "other.pth"
    torch.save({"conv.weight": torch.zeros(4, 3, 3, 3)}, path)
    with pytest.raises(DataError, match="does not hold the convolutions"):
        features_from_file(path, Architecture("alexnet"))
    torch.save({"conv.weight": Squares()}, path)
    with pytest.raises(DataError, match="cannot be read"):
        features_from_file(path, Architecture("alexnet"))
