"""Every method on every network gives a good network of the size asked for, or says in one sentence why not."""

import pytest
import torch

from harness import plugins
from harness.data.image_split import ImageSplit
from harness.entry_text import parse_entry
from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise, parameter_count, skeleton
from harness.networks.registered import HELD_TO, TORCHVISION, built_in
from harness.planning.entries import entry_of
from harness.planning.pruners import borrowed, pruner_class, why_skipped
from harness.planning.selection import resolve
from harness.pruning.templates import ChannelPruner
from harness.pruning.workbench import Workbench
from harness.running.inspection import inspect
from harness.storage.store import Store
from harness.training.schedule import Schedule

pytestmark = pytest.mark.slow

NETWORKS = (*built_in(), *(f"{TORCHVISION}{name}" for name in HELD_TO))
SIZE = 64
DENSITY, LARGE_DENSITY = 0.25, 0.0625
"""An exact refit of a quarter of VGG-16 takes many minutes; `small-cnn` has no MobileNet of 6.25 %."""

LARGE = 1_000_000
GATED = f"{TORCHVISION}mobilenet_v3_small"
"""With depthwise convolutions, residual sums, squeeze-and-excitation, hard swish and a head of two layers."""

OF_EACH_KIND = ("lt", "snip", "grasp", "synflow", "l-obs", "cdc", "structured-taylor", "random-layerwise")
NOT_NARROWED = [f"{TORCHVISION}{name}" for name in ("convnext_tiny", "densenet121", "shufflenet_v2_x1_0")]
NO_SUM = [f"{TORCHVISION}{name}" for name in ("convnext_tiny", "efficientnet_b0", "mobilenet_v3_small")]


def methods():
    """Return the built-in methods, as `--methods all` names them."""
    own = [
        name for name, plugin in plugins.available(plugins.PRUNERS).items() if plugin.distribution == "prune-harness"
    ]
    return [entry_of(name, variant).text for name in own for variant in pruner_class(name).variants]


def split(count, seed):
    draws = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (count, 3, SIZE, SIZE), dtype=torch.uint8, generator=draws)
    labels = (torch.arange(count) % 3 == 0).to(torch.uint8)
    return ImageSplit.of(images, labels, [f"{seed}-{index}" for index in range(count)])


def started(architecture):
    network = build(architecture)
    initialise(network, torch.Generator().manual_seed(0))
    return network


def bench_on(factory, entry, store):
    return Workbench(
        store=store,
        initial=started(Architecture(factory)),
        own=started,
        train=split(12, 1),
        validation=split(12, 2),
        schedule=Schedule(
            epochs=1, max_steps=1, batch_size=6, learning_rate=0.001, precision="float32", device="cpu", clip=2.0
        ),
        losses=entry.loss,
        seed=0,
        method=entry.method,
        environment="test machine",
        lend=borrowed,
    )


def pruned_or_sentence(factory, entry, folder):
    density = DENSITY if parameter_count(skeleton(Architecture(factory))) < LARGE else LARGE_DENSITY
    bench = bench_on(factory, entry, Store(folder))
    pruner = entry.pruner()
    sentence = why_skipped(pruner, bench.network())
    if sentence:
        return sentence
    wanted = [density] if pruner.level_order == "independent" else [1.0, density]
    *_, last = pruner.prune(bench, wanted)
    dense = parameter_count(bench.network())
    found = inspect(last, density, dense, pruner.density_tolerance, SIZE)
    assert found.faults == ()
    return None


def check(factory, written, folder):
    (entry,), _ = resolve([written], {}, None)
    sentence = pruned_or_sentence(factory, entry, folder)
    for word in expected_words(factory, entry):
        assert sentence is not None
        assert word in sentence
        return
    assert sentence is None


def expected_words(factory, entry):
    """Words of the sentences that are due, one of them where there are several."""
    involved = [entry.method, *(parse_entry(other)[0] for other in entry.described().borrows_from)]
    if factory in NO_SUM and "synflow" in involved:
        yield "is no sum over paths"
    if factory in NOT_NARROWED and any(issubclass(pruner_class(method), ChannelPruner) for method in involved):
        yield "cannot lose channels"


@pytest.mark.parametrize("written", methods())
def test_on_the_small_network(written, tmp_path):
    check("small-cnn", written, tmp_path)


@pytest.mark.parametrize("written", OF_EACH_KIND)
def test_of_each_kind_on_a_network_of_devices(written, tmp_path):
    check(GATED, written, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("factory", [name for name in NETWORKS if name != "small-cnn"])
@pytest.mark.parametrize("written", methods())
def test_on_the_others(written, factory, tmp_path):
    check(factory, written, tmp_path)
