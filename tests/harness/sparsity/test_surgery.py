import json
from collections import OrderedDict
from dataclasses import asdict, replace

import pytest
import torch
from safetensors.torch import load, save
from torch import nn

from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build, copy_of, initialise, parameter_count, skeleton, state_of
from harness.networks.registered import HELD_TO, INTERNAL, TORCHVISION, built_in
from harness.sparsity.narrowable import not_narrowable
from harness.sparsity.surgery import channel_groups, without_channels
from harness.testing.case.networks import check_networks
from harness.testing.narrowed import narrowed, widths_of

NOT_NARROWED = ("convnext_tiny", "densenet121", "shufflenet_v2_x1_0")
THEIRS = [f"{TORCHVISION}{name}" for name in HELD_TO if name not in NOT_NARROWED]
PUBLISHED = [*built_in(), *(pytest.param(name, marks=pytest.mark.long) for name in THEIRS)]


def drawn(architecture, seed=0):
    """A network in which nothing is as it was initialised: weights, biases, norms and their statistics are drawn."""
    network = build(architecture)
    generator = torch.Generator().manual_seed(seed)
    initialise(network, generator)
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.running_mean.normal_(0, 0.2, generator=generator)
                layer.running_var.uniform_(0.5, 2, generator=generator)
                layer.weight.uniform_(0.5, 1.5, generator=generator)
                layer.bias.normal_(0.3, 0.3, generator=generator)
            elif getattr(layer, "bias", None) is not None:
                layer.bias.normal_(0, 0.3, generator=generator)
    return network


def narrow(factory, seed=0):
    return drawn(narrowed(factory, 1 / 8), seed)


def images(count=3, seed=9):
    return torch.randn(count, 3, 64, 64, generator=torch.Generator().manual_seed(seed))


def random_subset(groups, seed):
    """Some channels of some groups, at least one of each."""
    generator = torch.Generator().manual_seed(seed)
    remaining = {}
    for index, group in enumerate(groups):
        mask = torch.rand(group.channels, generator=generator) < 0.6
        mask[int(torch.randint(group.channels, (1,), generator=generator))] = True
        if (index + seed) % 4:
            remaining[group.name] = mask
    return remaining


def is_depthwise(layer):
    return isinstance(layer, nn.Conv2d) and layer.groups == layer.in_channels > 1


def silenced(network, groups, remaining):
    """The whole network, whose layers read zero in the place of every removed channel."""
    whole = copy_of(network)
    with torch.no_grad():
        for group in groups:
            for name in group.readers:
                layer = whole.get_submodule(name)
                if group.name in remaining and not is_depthwise(layer):
                    layer.weight[:, ~remaining[group.name]] = 0.0
    return whole


@pytest.mark.parametrize("factory", PUBLISHED)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_narrower_network_gives_what_the_whole_one_gives_with_those_channels_silenced(factory, seed):
    network = narrow(factory, seed)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    groups = channel_groups(network)
    remaining = random_subset(groups, seed)
    cut = without_channels(network, remaining)
    with torch.no_grad():
        expected, found = silenced(network, groups, remaining)(images()), cut(images())
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(found, network(images()).detach(), rtol=1e-3, atol=1e-3)
    assert sum(widths_of(cut)) < sum(widths_of(network))
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_it_holds_after_forward_passes_in_training_mode_moved_the_statistics():
    network = narrow("resnet18").train()
    before = network.features.norm.running_mean.clone()
    groups = channel_groups(network)
    remaining = random_subset(groups, 1)
    with torch.no_grad():
        for seed in range(2):
            network.train()(images(4, seed))
        assert not torch.allclose(network.features.norm.running_mean, before)
        expected = silenced(network.eval(), groups, remaining)(images())
        torch.testing.assert_close(without_channels(network, remaining)(images()), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("factory", ["alexnet-bn", "small-cnn"])
def test_published_networks_are_cut_too(factory):
    network = drawn(Architecture(factory))
    groups = channel_groups(network)
    remaining = random_subset(groups, 0)
    cut = without_channels(network, remaining)
    with torch.no_grad():
        expected = silenced(network, groups, remaining)(images(1))
        torch.testing.assert_close(cut(images(1)), expected, rtol=1e-4, atol=1e-3)
    assert parameter_count(cut) < parameter_count(network)


@pytest.mark.parametrize("factory", PUBLISHED)
def test_a_cut_network_is_rebuilt_from_json_and_tensors_without_pickle(factory):
    network = narrow(factory)
    cut = without_channels(network, random_subset(channel_groups(network), 0))
    architecture = Architecture(**json.loads(json.dumps(asdict(cut.architecture))))
    rebuilt = build(architecture, load(save(state_of(cut))))
    with torch.no_grad():
        assert torch.equal(rebuilt(images()), cut(images()))
    assert not cut.training


def test_a_cut_network_can_be_cut_again_and_trained():
    network = narrow("mobilenet-v1")
    once = without_channels(network, random_subset(channel_groups(network), 0))
    twice = without_channels(once, random_subset(channel_groups(once), 1))
    assert parameter_count(twice) < parameter_count(once) < parameter_count(network)
    twice.train()(images()).sum().backward()
    assert all(parameter.grad is not None for parameter in twice.parameters())


def test_a_width_multiplier_and_widths_go_together():
    network = drawn(Architecture("mobilenet-v1", {"width": 0.25}))
    group = channel_groups(network)[0]
    cut = without_channels(network, {group.name: torch.arange(group.channels) < 5})
    assert widths_of(cut)[:2] == [5, 5]
    with torch.no_grad():
        assert cut(images()).shape == (3, 2)


# --- which channels belong together


def runs(architecture, shapes):
    try:
        with torch.no_grad():
            drawn(replace(architecture, shapes={**architecture.shapes, **shapes}))(images(1))
    except (RuntimeError, ValueError):
        return False
    return True


@pytest.mark.parametrize("factory", PUBLISHED)
def test_a_groups_layers_can_be_narrowed_together_and_not_without_one_of_them(factory):
    """Brute force: the network runs with one channel less in all of a group's layers, and not in all but one."""
    network = narrow(factory)
    made, state = [], network.state_dict()
    for group in some(channel_groups(network)):
        made += group.makers
        less = {}
        for name, dimension in group.slices:
            shape = list(state[name].shape)
            shape[dimension] -= 1
            less.setdefault(name.rpartition(".")[0], {})[name] = shape
        assert runs(network.architecture, {name: shape for part in less.values() for name, shape in part.items()})
        for layer in less:
            rest = {name: shape for home, part in less.items() if home != layer for name, shape in part.items()}
            assert not runs(network.architecture, rest), layer
    assert len(made) == len(set(made))


def some(groups):
    """The first groups, the last ones, and some between: a deep network's blocks are alike."""
    return [group for index, group in enumerate(groups) if index < 4 or index >= len(groups) - 2]


@pytest.mark.parametrize("factory", PUBLISHED)
def test_every_convolution_is_made_in_one_group_or_is_depthwise(factory):
    network = narrow(factory)
    made = [name for group in channel_groups(network) for name in group.makers]
    layers = {name: layer for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d)}
    assert sorted(made) == sorted(name for name, layer in layers.items() if not is_depthwise(layer))


def test_a_residual_networks_sums_join_what_they_add():
    groups = {group.name: group for group in channel_groups(narrow("resnet18"))}
    assert len(groups) == 12
    assert groups["features.conv"].makers == (
        "features.conv",
        "features.block1_1.conv2",
        "features.block1_2.conv2",
    )
    assert groups["features.block4_1.conv2"].makers == (
        "features.block4_1.conv2",
        "features.block4_1.shortcut.0",
        "features.block4_2.conv2",
    )
    assert groups["features.block4_1.conv2"].readers == ("features.block4_2.conv1", "head.1")
    assert groups["features.block1_1.conv1"].makers == ("features.block1_1.conv1",)


def test_the_groups_do_not_depend_on_gradients_being_recorded():
    network = narrow("small-cnn")
    expected = channel_groups(network)
    with torch.no_grad():
        assert channel_groups(network) == expected
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    assert channel_groups(network) == expected
    assert channel_groups(network.double()) == expected


# --- what is refused


class Grouped(Network):
    """Its second convolution has two channels a group."""

    def __init__(self):
        super().__init__()
        layers = OrderedDict(conv1=nn.Conv2d(3, 8, 3), conv2=nn.Conv2d(8, 8, 3, groups=4))
        self.features = nn.Sequential(layers)
        self.head = nn.Sequential(nn.Dropout(), nn.Linear(8, 2))


def test_a_grouped_convolution_is_refused_with_a_sentence(monkeypatch):
    monkeypatch.setitem(INTERNAL, "grouped", Grouped)
    network = drawn(Architecture("grouped"))
    with pytest.raises(ValueError, match=r"features\.conv2 does not index its channels one by one"):
        channel_groups(network)
    assert not_narrowable(network).startswith("Grouped cannot lose channels: features.conv2 does not index")
    with pytest.raises(ValueError, match="none can be removed"):
        without_channels(network, {})


def test_one_map_that_multiplies_many_is_refused_with_a_sentence():
    with check_networks():
        network = drawn(Architecture("check-awkward"))
        assert "features.gate.conv does not index its channels one by one" in not_narrowable(network)


@pytest.mark.parametrize("factory", PUBLISHED)
def test_every_published_network_can_be_narrowed_also_while_it_has_no_tensors(factory):
    assert not_narrowable(skeleton(Architecture(factory))) is None


def test_unknown_and_empty_groups_are_refused_by_name():
    network = narrow("small-cnn")
    with pytest.raises(ValueError, match=r"no such channels: features\.conv9, head"):
        without_channels(network, {"head": torch.ones(2).bool(), "features.conv9": torch.ones(2).bool()})
    with pytest.raises(ValueError, match=r"no channel of features\.conv2 remains"):
        without_channels(network, {"features.conv2": torch.zeros(8, dtype=torch.bool)})


def test_no_image_goes_through_the_network():
    network = narrow("small-cnn")
    seen = []
    network.register_forward_pre_hook(lambda _, arguments: seen.append(len(arguments[0])))
    channel_groups(network)
    assert sum(seen) == 0
