"""Small images, a small network and a bench on them: the project's tests never read other people's files."""

import importlib.util
import sys
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from optuna.distributions import BaseDistribution, IntDistribution
from PIL import Image
from torch import nn

from harness import plugins
from harness.data.image_split import ImageSplit
from harness.datasets.isic import Isic
from harness.losses.registered import schedule_named
from harness.networks import registered
from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build, initialise, state_of
from harness.plugin_process import end_all
from harness.pruning.pruned_network import PrunedNetwork
from harness.pruning.pruner import Pruner
from harness.pruning.workbench import Workbench
from harness.storage.store import Store
from harness.training.schedule import Schedule


class TinyNetwork(Network):
    """Two convolutions of 216 and 1,152 weights with batch norm, and a head of 32, which is too small to prune."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(3, 8, 3, stride=2, padding=1),
                norm1=nn.BatchNorm2d(8),
                relu1=nn.ReLU(),
                conv2=nn.Conv2d(8, 16, 3, stride=2, padding=1),
                norm2=nn.BatchNorm2d(16),
                relu2=nn.ReLU(),
            )
        )
        self.head = nn.Sequential(nn.Dropout(), nn.Linear(16, 2))


@pytest.fixture(autouse=True)
def _tiny_network_by_name(monkeypatch):
    monkeypatch.setitem(registered.INTERNAL, "tiny", TinyNetwork)


@pytest.fixture(autouse=True)
def _no_estimate(monkeypatch):
    """No test waits for times that it does not ask for, nor forks a process of many threads."""
    monkeypatch.setenv("HARNESS_ESTIMATE", "0")


@pytest.fixture
def tiny():
    network = build(Architecture("tiny"))
    initialise(network, torch.Generator().manual_seed(0))
    return network


def seeded(architecture):
    network = build(architecture)
    initialise(network, torch.Generator().manual_seed(7))
    return network


def spotted_images(count, size, seed):
    """Return images (N, 3, S, S) and labels: a third of them carry a bright spot on a noisy ground."""
    draws = np.random.default_rng(seed)
    labels = (np.arange(count) % 3 == 0).astype(np.uint8)
    images = draws.integers(60, 140, size=(count, 3, size, size)).astype(np.uint8)
    for index in np.flatnonzero(labels):
        top, left = draws.integers(2, size - 6, size=2)
        images[index, :, top : top + 4, left : left + 4] = 250
    return images, labels


def image_split(count, size, seed):
    images, labels = spotted_images(count, size, seed)
    ids = [f"{seed}-{index}" for index in range(count)]
    return ImageSplit.of(torch.from_numpy(images), torch.from_numpy(labels), ids)


def tensors_of(value):
    return state_of(value) if isinstance(value, nn.Module) else dict(value)


@pytest.fixture
def same_bits():
    """Return a function that compares two networks, states or masks, bit for bit."""

    def compare(left, right):
        left, right = tensors_of(left), tensors_of(right)
        return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)

    return compare


@pytest.fixture
def splits():
    """(train, validation) of 48 and 24 images of 16 px."""
    return image_split(48, 16, seed=1), image_split(24, 16, seed=2)


@pytest.fixture
def schedule():
    return Schedule(
        epochs=2, batch_size=12, learning_rate=0.05, clip=2.0, dropout=0.2, precision="float32", device="cpu"
    )


@pytest.fixture
def make_bench(tiny, splits, schedule, tmp_path):
    """Return a function that makes a bench on one store: the same tiny network, images and schedule."""

    def make(loss="plain", seed=0, method="test", **changes):
        train, validation = splits
        return Workbench(
            store=changes.get("store") or Store(tmp_path / "store"),
            initial=changes.get("initial", tiny),
            own=changes.get("own", seeded),
            train=train,
            validation=validation,
            schedule=changes.get("schedule", schedule),
            losses=schedule_named(loss),
            seed=seed,
            method=method,
            environment="test machine",
            lend=changes.get("lend"),
            meter=changes.get("meter"),
            trained=changes.get("trained", False),
        )

    return make


def shared_module(name):
    """Return a module beside this file, loaded once for all tests of a process."""
    known = f"shared_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, Path(__file__).with_name(f"{name}.py"))
        sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[known])
    return sys.modules[known]


@pytest.fixture(scope="session")
def commands():
    """The module `tests/commands.py`, whose one server all files share: it has the libraries loaded."""
    return shared_module("commands")


@pytest.fixture(scope="session")
def drawn_results():
    """The module `tests/drawn_results.py`: results that are drawn and not trained."""
    return shared_module("drawn_results")


@pytest.fixture(scope="session")
def object_storage():
    """A server that speaks S3 on 127.0.0.1, with an empty bucket of the name."""
    server = shared_module("object_storage").ObjectStorage()
    yield server.ready()
    server.end()


@pytest.fixture
def small_isic(monkeypatch):
    """ISIC-2016 as if any number of images were all of it."""
    monkeypatch.setattr(Isic, "official_counts", {})


@pytest.fixture
def isic_folder(tmp_path, small_isic):
    """Return a data folder with a small data set in ISIC-2016's layout: 48 training and 24 test JPEGs."""
    root = tmp_path / "data"
    write_isic(root / "isic")
    return root


def write_isic(folder: Path, size: int = 64) -> None:
    for split, count, seed in (("Training", 48, 3), ("Test", 24, 4)):
        images, labels = spotted_images(count, size, seed)
        place = folder / f"ISBI2016_ISIC_Part3_{split}_Data"
        place.mkdir(parents=True)
        lines = []
        for index, (pixels, label) in enumerate(zip(images, labels, strict=True)):
            name = f"ISIC_{seed:03d}{index:04d}"
            Image.fromarray(pixels.transpose(1, 2, 0)).save(place / f"{name}.jpg", quality=95)
            words = ("benign", "malignant") if split == "Training" else ("0.0", "1.0")
            lines.append(f"{name},{words[label]}")
        (folder / f"ISBI2016_ISIC_Part3_{split}_GroundTruth.csv").write_bytes("\r\n".join(lines).encode())


@dataclass(frozen=True, kw_only=True)
class PluggedIn(Pruner):
    """Trains with the paper's best loss, has a ``gamma`` that is no weight of it, and prunes no network at all."""

    source = "test"
    search_space: ClassVar[Mapping[str, BaseDistribution]] = {"gamma": IntDistribution(1, 9)}
    gamma: int = 3

    @property
    def loss(self):
        return "black"

    def skip(self, network):
        return f"it does not prune {type(network).__name__}"

    def prune(self, bench, densities) -> Iterator[PrunedNetwork]:
        raise NotImplementedError


@pytest.fixture
def plugged_in(monkeypatch):
    """Register `PluggedIn` beside the built-in methods, as an installed plugin is; return its name."""
    known, available, name = plugins.load, plugins.available, "plugged-in"
    monkeypatch.setattr(plugins, "load", lambda group, asked: PluggedIn if asked == name else known(group, asked))
    also = {plugins.PRUNERS: {name: None}}
    monkeypatch.setattr(plugins, "available", lambda group: {**available(group), **also.get(group, {})})
    return name


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Make a distribution with entry points and modules importable: ``install(name, {group: {name: value}}, ...)``."""

    def installs(distribution, groups, version="1.0", **modules):
        site = tmp_path / f"site {distribution} {version}"
        info = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        lines = []
        for group, points in groups.items():
            lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
        (info / "entry_points.txt").write_text("\n".join(lines))
        for name, source in modules.items():
            (site / f"{name}.py").write_text(source)
            monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.syspath_prepend(site)
        return site

    yield installs
    for name in [name for name in sys.modules if name.startswith("fake_")]:
        del sys.modules[name]


AT_IMPORT = Path(__file__).parent / "hostile_plugin" / "at_import.py"


@pytest.fixture
def at_import(tmp_path, monkeypatch):
    """The module `at_import`, its methods to be installed in ``tmp_path``, from which they can be imported."""
    spec = importlib.util.spec_from_file_location("at_import", AT_IMPORT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.syspath_prepend(tmp_path)
    yield module
    end_all()


def pytest_collection_modifyitems(items):
    """The longest files first, then those with slow tests: processes that share the tests then end together."""
    items.sort(key=lambda item: (not item.path.name.startswith("test_black_box"), not item.get_closest_marker("slow")))
