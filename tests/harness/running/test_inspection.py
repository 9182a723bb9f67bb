import itertools

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build, copy_of, initialise, parameter_count
from harness.networks.registered import INTERNAL
from harness.pruning.pruned_network import PrunedNetwork
from harness.running.inspection import alive_parameters, effective_flops, inspect
from harness.sparsity.mask import Mask, prunable_weights
from harness.sparsity.ranking import prune_least


class Chain(Network):
    """Two 1x1 convolutions and a linear layer: a layered graph that can be walked by hand."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 3, 1), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(3, 2))


@pytest.fixture
def chain(monkeypatch):
    monkeypatch.setitem(INTERNAL, "chain", Chain)
    network = build(Architecture("chain"))
    initialise(network, torch.Generator().manual_seed(0))
    return network


def random_mask(network, names, density, seed):
    draws = torch.Generator().manual_seed(seed)
    parameters = dict(network.named_parameters())
    kept = {name: torch.rand(parameters[name].shape, generator=draws) < density for name in names}
    return Mask(kept, parameter_count(network))


def walked(mask):
    """Count alive parameters of Chain by walking every path input -> hidden -> hidden -> output."""
    first = mask["features.0.weight"][:, :, 0, 0]
    second = mask["features.3.weight"][:, :, 0, 0]
    last = mask["head.0.weight"]
    alive = {("bias3", 0), ("bias3", 1)}
    for i, h, g, o in itertools.product(range(3), range(4), range(3), range(2)):
        if first[h, i] and second[g, h] and last[o, g]:
            alive |= {("w1", h, i), ("bias1", h), ("scale", h), ("shift", h), ("w2", g, h), ("bias2", g), ("w3", o, g)}
    return len(alive)


@pytest.mark.parametrize("seed", range(12))
def test_alive_parameters_are_those_on_a_path(chain, seed):
    names = ["features.0.weight", "features.3.weight", "head.0.weight"]
    mask = random_mask(chain, names, 0.35, seed)
    assert sum(alive_parameters(chain, mask, 4).values()) == walked(mask)


class Pooled(Network):
    """Two padded 3x3 convolutions, each behind it a maximum over 2x2, on images of 8 px."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 3, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.head = nn.Sequential(nn.Linear(3, 2))


def taps(kernel, size):
    """Yield (out channel, in channel, row, column, output y, x, input y, x) of every remaining tap inside the image."""
    for o, c, i, j in kernel.nonzero().tolist():
        for y, x in itertools.product(range(size), range(size)):
            if 0 <= y + i - 1 < size and 0 <= x + j - 1 < size:
                yield o, c, i, j, y, x, y + i - 1, x + j - 1


def walked_through_pools(mask):
    """Count Pooled's alive parameters unit by unit: which units the image reaches, and which reach the output."""
    first, second, last = (mask[f"{name}.weight"] for name in ("features.0", "features.3", "head.0"))
    hidden = {(o, y, x) for o, _, _, _, y, x, _, _ in taps(first, 8)}
    pooled = {(o, y // 2, x // 2) for o, y, x in hidden}
    deep = {(o, y, x) for o, c, _, _, y, x, v, u in taps(second, 4) if (c, v, u) in pooled}
    useful_deep = {(g, y, x) for g in range(3) if bool(last[:, g].any()) for y in range(4) for x in range(4)}
    useful_pooled = {(c, v, u) for o, c, _, _, y, x, v, u in taps(second, 4) if (o, y, x) in useful_deep}
    useful_hidden = {(c, y, x) for c, v, u in useful_pooled for y in (2 * v, 2 * v + 1) for x in (2 * u, 2 * u + 1)}
    alive = {("bias3", 0), ("bias3", 1)}
    alive |= {("w1", o, c, i, j) for o, c, i, j, y, x, _, _ in taps(first, 8) if (o, y, x) in useful_hidden}
    alive |= {("bias1", o) for o, y, x in hidden & useful_hidden}
    for o, c, i, j, y, x, v, u in taps(second, 4):
        if (c, v, u) in pooled and (o, y, x) in useful_deep:
            alive |= {("w2", o, c, i, j), ("bias2", o)}
    alive |= {("w3", o, g) for o, g in last.nonzero().tolist() if any(unit[0] == g for unit in deep)}
    return len(alive)


@pytest.mark.parametrize("seed", range(12))
def test_alive_parameters_behind_a_maximum(monkeypatch, seed):
    """Any input of a maximum may be the largest one: a tap counts wherever it can be, not where one image puts it."""
    monkeypatch.setitem(INTERNAL, "pooled", Pooled)
    network = build(Architecture("pooled"))
    initialise(network, torch.Generator().manual_seed(0))
    mask = random_mask(network, ["features.0.weight", "features.3.weight", "head.0.weight"], 0.05 + 0.02 * seed, seed)
    assert sum(alive_parameters(network, mask, 8).values()) == walked_through_pools(mask)


def test_a_network_without_a_mask_is_all_alive(tiny):
    assert sum(alive_parameters(tiny, None, 16).values()) == parameter_count(tiny)


def test_flops_of_a_dense_network_are_those_of_torchs_counter():
    network = build(Architecture("alexnet-bn"))
    initialise(network, torch.Generator().manual_seed(0))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 3, 64, 64))
    assert effective_flops(network, None, 64) == counter.get_total_flops()


def test_a_pruned_weight_saves_two_operations_a_position(tiny):
    mask = Mask.ones(tiny)
    mask["features.conv1.weight"][0, 0, 0, 0] = False
    assert effective_flops(tiny, None, 16) - effective_flops(tiny, mask, 16) == 2 * 8 * 8


def pruned(tiny, density=0.5):
    mask = prune_least(
        {name: weight.abs() for name, weight in prunable_weights(tiny).items()}, Mask.ones(tiny), density
    )
    network = copy_of(tiny)
    mask.apply_(network)
    return PrunedNetwork(network, mask)


def check(candidate, tiny, asked=0.5, tolerance=0.0):
    return inspect(candidate, asked, parameter_count(tiny), tolerance, 16)


def test_a_good_network_has_no_fault_and_its_true_size(tiny):
    found = check(pruned(tiny), tiny)
    assert found.faults == ()
    assert found.parameters == round(0.5 * parameter_count(tiny))
    assert found.density == found.parameters / parameter_count(tiny)


def test_every_broken_network_is_named(tiny):
    alive = pruned(tiny)
    with torch.no_grad():
        weight = alive.network.features.conv1.weight
        weight[~alive.mask["features.conv1.weight"]] = 1e-30
    assert "not zero" in check(alive, tiny).faults[0]

    infinite = pruned(tiny)
    with torch.no_grad():
        infinite.network.head[1].bias[0] = float("nan")
    assert "not finite" in check(infinite, tiny).faults[0]

    assert "parameters left" in check(pruned(tiny, 0.6), tiny).faults[0]
    assert check(pruned(tiny, 0.501), tiny, tolerance=0.01).faults == ()

    for wrong in (
        {"nowhere": torch.ones(1, dtype=torch.bool)},
        {"features.conv1.weight": torch.ones(2, dtype=torch.bool)},
        {"features.conv1.weight": torch.ones(8, 3, 3, 3)},
    ):
        assert check(PrunedNetwork(copy_of(tiny), Mask(wrong, parameter_count(tiny))), tiny).faults


def test_layers_are_counted_one_by_one_as_walked(chain):
    ones = Mask.ones(chain).total
    first, second, last = (torch.zeros(shape, dtype=torch.bool) for shape in ((4, 3, 1, 1), (3, 4, 1, 1), (2, 3)))
    first[0, 0] = first[1, 1] = first[2, 2] = True
    second[0, 0] = second[1, 1] = True
    last[:, 0] = True
    mask = Mask({"features.0.weight": first, "features.3.weight": second, "head.0.weight": last}, ones)
    network = copy_of(chain)
    mask.apply_(network)
    found = inspect(PrunedNetwork(network, mask), mask.density, ones, 0.0, 4)
    assert found.layers == {
        "features.0.weight": (3, 1, 12),  # only the first one's channel is read on
        "features.3.weight": (2, 1, 12),
        "head.0.weight": (2, 2, 6),
    }
    assert not found.disconnected
    assert found.collapse == ""


def test_an_emptied_layer_cuts_the_network_in_two_and_is_named(chain):
    mask = Mask({"features.3.weight": torch.zeros(3, 4, 1, 1, dtype=torch.bool)}, parameter_count(chain))
    network = copy_of(chain)
    mask.apply_(network)
    found = inspect(PrunedNetwork(network, mask), mask.density, parameter_count(chain), 0.0, 4)
    assert found.emptied == ("features.3.weight",)
    assert found.disconnected
    assert found.collapse == (
        "no path leads from the input to the output; features.3.weight has none of its 12 weights left"
    )


def test_a_shortcut_keeps_a_network_connected_past_an_empty_layer():
    network = build(Architecture("resnet18"))
    initialise(network, torch.Generator().manual_seed(0))
    name = "features.block1_1.conv1.weight"
    mask = Mask({name: torch.zeros(64, 64, 3, 3, dtype=torch.bool)}, parameter_count(network))
    mask.apply_(network)
    found = inspect(PrunedNetwork(network, mask), mask.density, parameter_count(network), 0.0, 64)
    assert found.emptied == (name,)
    assert found.layers["features.block1_1.conv2.weight"] == (36_864, 0, 36_864)  # nothing but zeros comes in
    assert not found.disconnected
    assert found.collapse == f"{name} has none of its 36,864 weights left"
