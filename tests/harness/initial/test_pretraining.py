from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from harness.data import SimulatedDataset
from harness.initial import pretraining as module
from harness.initial.head import initial_network
from harness.initial.pretraining import pretrained_features
from harness.initial.pretraining_options import Pretraining
from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise, state_of
from harness.storage.canonical import digest
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
    monkeypatch.setattr(module, "load_dataset", lambda _: Squares())


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


def test_pretraining_leaves_the_global_random_state_where_it_was(squares, pretraining, tmp_path):
    """A job's process is held against it: what pretrains would be taken for a method that moved it."""
    before = torch.get_rng_state()
    pretrained_features(Store(tmp_path / "s"), Architecture("tiny"), pretraining, 16, "test machine")
    assert torch.equal(torch.get_rng_state(), before)


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


def test_the_key_of_the_images_to_pretrain_on_is_the_recorded_one():
    """A change of it would pretrain anew in every store."""
    keys = {}

    class KeyOnly:
        def run(self, kind, inputs, compute):
            keys[kind] = digest([kind, inputs])
            return SimpleNamespace(key=keys[kind], value={"outcome": "trained", "features": {}})

    pretrained_features(KeyOnly(), Architecture("small-cnn"), Pretraining(dataset="isic-sim"), 64, "test machine")
    assert keys["images"] == "f658582eb36e5dde408c2c73a46a26a3da6e782c50431a4540b5424b0974c1ab"
