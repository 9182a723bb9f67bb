"""When stored stages may be replayed: the code behind every stage is recorded, and so are the keys of old trainings."""

import ast
import hashlib
import math
import pkgutil
from pathlib import Path

import pytest
import torch

import harness
from harness import datasets, plugins
from harness.data.image_split import ImageSplit
from harness.networks.architecture import Architecture
from harness.networks.factories import build
from harness.networks.registered import built_in, factory_of
from harness.sparsity.mask import Mask
from harness.storage.canonical import digest
from harness.storage.code_behind import modules_behind, texts
from harness.storage.sources import digest_of_code
from harness.storage.store import Store
from harness.training.version import TRAINING_VERSION

RECORDED = "64e66c4dc72d66da16c7f3411e972e7af999cf53d2ab2b2377ba297109bd5751"

QUESTION = """The code behind what is stored has changed. Does every stage still give the same bits?
- Yes (a name, a type, a message, another way to the same numbers, a new network): renew this line of {file}
- No: raise TRAINING_VERSION in harness/training/version.py, too (DECODING where a decoded pixel changes, a data set's
  `version` where it draws or labels otherwise), or old results pass for new ones.

RECORDED = "{found}"
"""


def stages():
    """Return the kinds of stages by the module that runs them: ``store.run(kind, inputs, compute)``, wherever it is."""
    root = Path(harness.__file__).parent
    kinds = {".".join(path.relative_to(root.parent).with_suffix("").parts): run_in(path) for path in root.rglob("*.py")}
    return {name: found for name, found in kinds.items() if found and not name.startswith("harness.testing.")}


def run_in(path):
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    three = [call for call in calls if isinstance(call.func, ast.Attribute) and len(call.args) == 3]
    firsts = [call.args[0] for call in three if call.func.attr == "run" and isinstance(call.args[0], ast.Constant)]
    return {first.value for first in firsts}


def deciding_modules():
    """Return all modules that decide a bit of a stage: those that run one, what they are handed, and what is behind."""
    networks = {factory_of(name).__module__ for name in built_in() if name != "tiny"}
    data_sets = {f"{datasets.__name__}.{found.name}" for found in pkgutil.iter_modules(datasets.__path__)}
    losses = {type(one.load()).__module__ for one in plugins.available(plugins.LOSSES).values() if one.is_ours}
    return modules_behind(*stages(), *networks, *data_sets, *losses)


def test_the_code_that_decides_bits_is_what_it_was():
    found = hashlib.sha256("".join(sorted(map(digest_of_code, texts(deciding_modules())))).encode()).hexdigest()
    if found != RECORDED:
        pytest.fail(QUESTION.format(file="tests/harness/training/test_version.py", found=found), pytrace=False)


def test_every_kind_of_stage_is_looked_behind():
    """Who runs a stage in another way mends how they are found."""
    kinds = {kind for kinds in stages().values() for kind in kinds}
    assert kinds == {
        "compute",
        "head",
        "images",
        "near duplicates",
        "pretrain",
        "probe",
        "quantise",
        "score",
        "thresholds",
        "train",
    }


def test_what_decides_a_bit_is_found_by_itself():
    found = set(deciding_modules())
    assert found >= {
        *("harness.training.fit", "harness.training.schedule", "harness.training.augmentation", "harness.randomness"),
        *("harness.training.colour_jitter", "harness.training.elastic_warp", "harness.training.inference"),
        *("harness.losses.class_dependent", "harness.losses.ldam", "harness.sparsity.mask"),
        *("harness.networks.architecture", "harness.networks.resnet"),
        *("harness.initial.head", "harness.evaluation.thresholds", "harness.images.decoding", "harness.data.splitting"),
        *("harness.datasets.lesion_renderer", "harness.datasets.painting", "harness.datasets.isic_sim"),
    }
    assert not {name for name in found if name.split(".")[1] in ("errors", "planning", "storage", "methods", "results")}


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
        ("black", 1, True, "df2da24c6b404e076912461d8bd7f068351965ea939429053bd97aa6d4d02838"),
        ("black-pointwise", 1, True, "b8d3a17d89aeb1f022b72a9806e41490d2bf08032865adfddc69ae5e0f9a651f"),
        ("plain", 0, False, "ca7b353c2e0cdc069f5980d376a6c466585bd652f23d71f4503c21586951ce3e"),
    ],
)
def test_a_training_of_old_is_found_under_its_key(make_bench, monkeypatch, loss, round, masked, recorded):
    """Recorded under version 2, a split known by the digest of each image; of before nothing is found."""

    def asked(_, kind, inputs, __):
        raise Asked(kind, inputs)

    network = build(Architecture("small-cnn"))
    for tensor in network.state_dict().values():
        tensor.copy_(counted(*tensor.shape) / 64 if tensor.dim() else torch.zeros(()))
    weights = {name: tensor > 0 for name, tensor in network.state_dict().items() if tensor.dim() == 4}
    monkeypatch.setattr(Store, "run", asked)
    with pytest.raises(Asked) as stage:
        make_bench(loss).train(network, Mask(weights, 700) if masked else None, round)
    kind, inputs = stage.value.args
    assert inputs["version"] == TRAINING_VERSION
    assert digest([kind, {**inputs, "version": 2}]) == recorded
