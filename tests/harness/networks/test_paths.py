import itertools

import pytest
import torch
from torch import nn

from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build, initialise, parameter_count
from harness.networks.paths import not_a_sum_of_paths, output_of_paths
from harness.networks.registered import INTERNAL
from harness.running.inspection import alive_parameters
from harness.sparsity.mask import Mask


class Gated(Network):
    """Four channels, each multiplied by a gate that squeezes all of them into two; without biases."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 1, bias=False), SqueezeAndExcitation())
        self.head = nn.Sequential(nn.Linear(4, 2, bias=False))


class SqueezeAndExcitation(nn.Module):
    def __init__(self):
        super().__init__()
        squeeze, excite = nn.Conv2d(4, 2, 1, bias=False), nn.Conv2d(2, 4, 1, bias=False)
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), squeeze, nn.SiLU(inplace=True), excite, nn.Hardsigmoid())

    def forward(self, images):
        return images * self.gate(images)


class Doubling(Network):
    """Six blocks that add their input to their output, and an activation that ends at 6."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(*(Twice() for _ in range(6)), nn.ReLU6(inplace=True))
        self.head = nn.Sequential(nn.Linear(3, 2))


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)

    def forward(self, images):
        return images + self.conv(images)


def behind(*layers):
    class Behind(Network):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(nn.Conv2d(3, 4, 1), *layers)
            self.head = nn.Sequential(nn.Linear(4, 2))

    return Behind


@pytest.fixture
def drawn(monkeypatch):
    def draw(factory):
        monkeypatch.setitem(INTERNAL, "drawn", factory)
        network = build(Architecture("drawn"))
        initialise(network, torch.Generator().manual_seed(1))
        return network

    return draw


def masked(network, density, seed):
    draws = torch.Generator().manual_seed(seed)
    kept = {name: torch.rand(one.shape, generator=draws) < density for name, one in network.named_parameters()}
    return Mask(kept, parameter_count(network))


def walked(mask):
    """Count the alive weights of Gated: on a path to an output, by themselves or by what they open a gate for."""
    first, squeeze, excite, last = (
        mask[f"{name}.weight"].flatten(1) for name in ("features.0", "features.1.gate.1", "features.1.gate.3", "head.0")
    )
    seen = [bool(first[channel].any() and last[:, channel].any()) for channel in range(4)]
    alive = set()
    for i, h, o in itertools.product(range(3), range(4), range(2)):
        if first[h, i] and last[o, h]:
            alive |= {("first", h, i), ("last", o, h)}
    for i, h, m, k in itertools.product(range(3), range(4), range(2), range(4)):
        if first[h, i] and squeeze[m, h] and excite[k, m] and seen[k]:
            alive |= {("first", h, i), ("squeeze", m, h), ("excite", k, m)}
    return len(alive)


@pytest.mark.parametrize("seed", range(20))
def test_a_weight_that_opens_a_gate_is_alive_where_something_comes_through_it(drawn, seed):
    network = drawn(Gated)
    mask = masked(network, 0.4, seed)
    assert sum(alive_parameters(network, mask, 4).values()) == walked(mask)


def test_a_channel_whose_gate_is_empty_is_alive(drawn):
    """A sigmoid of 0 is 1/2."""
    network = drawn(Gated)
    mask = masked(network, 1.0, 0)
    mask["features.1.gate.3.weight"].zero_()
    alive = alive_parameters(network, mask, 4)
    assert (alive["features.0.weight"], alive["features.1.gate.1.weight"], alive["head.0.weight"]) == (12, 0, 8)


def test_an_activation_with_an_upper_bound_kills_nothing(drawn):
    network = drawn(Doubling)
    assert sum(alive_parameters(network, None, 4).values()) == parameter_count(network)


@pytest.mark.parametrize(
    "layers",
    [
        [nn.GroupNorm(2, 4), nn.GELU()],
        [nn.InstanceNorm2d(4, affine=True), nn.Hardswish()],
        [nn.PReLU(4)],
        [nn.Flatten(2), nn.LayerNorm(64), nn.Unflatten(2, (8, 8)), nn.Tanh()],
        [nn.BatchNorm2d(4).requires_grad_(False), nn.Sigmoid()],
    ],
    ids=lambda layers: type(layers[0]).__name__,
)
def test_all_of_a_dense_network_is_alive(drawn, layers):
    network = drawn(behind(*layers))
    assert sum(alive_parameters(network, None, 8).values()) == parameter_count(network)


def test_what_a_network_does_not_use_is_dead(drawn):
    class Idle(behind()):
        def __init__(self):
            super().__init__()
            self.idle = nn.Linear(5, 5)

    network = drawn(Idle)
    assert sum(alive_parameters(network, None, 4).values()) == parameter_count(network) - 30


@pytest.mark.parametrize("activation", [nn.ReLU6(), nn.SiLU(), nn.Hardswish(), nn.GELU(), nn.Hardtanh()])
def test_every_activation_passes_on_what_is_positive(drawn, activation):
    network = drawn(behind(activation))
    image = torch.rand(1, 3, 4, 4) * 10
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
        linear = network.head(network.features[0](image).mean(dim=(2, 3)))
    assert torch.allclose(output_of_paths(network, image), linear)
    assert not torch.equal(network(image), output_of_paths(network, image))


@pytest.mark.parametrize(
    ("factory", "is_a_sum"),
    [
        (Doubling, True),
        (behind(nn.BatchNorm2d(4), nn.SiLU()), True),
        (behind(nn.MaxPool2d(2)), True),
        (Gated, False),
        (behind(nn.GroupNorm(1, 4)), False),
    ],
)
def test_a_network_that_multiplies_or_divides_signals_is_no_sum_of_paths(drawn, factory, is_a_sum):
    sentence = not_a_sum_of_paths(drawn(factory))
    assert sentence is None if is_a_sum else "drawn is no sum over paths" in sentence
