import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from harness.losses.class_dependent import ClassDependentLoss
from harness.methods import structured
from harness.methods.structured import (
    StructuredGroupNorm,
    StructuredMagnitude,
    StructuredTaylor,
    filter_norms,
    group_norms,
    taylor_effects,
)
from harness.networks.architecture import Architecture
from harness.networks.factories import build, copy_of, initialise, state_of
from harness.networks.registered import INTERNAL, built_in, factory_of
from harness.sparsity.surgery import channel_groups, coupled
from harness.testing.narrowed import narrowed

PUBLISHED = built_in()


def effects(network, batches, loss=None):
    return taylor_effects(network, structured.summed_gradients(copy_of(network), batches, loss))


def narrow(factory, seed=0):
    """The factory's network with an eighth of its channels and drawn weights, norms' among them."""
    network = build(narrowed(factory, 1 / 8))
    generator = torch.Generator().manual_seed(seed)
    initialise(network, generator)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.weight.data.uniform_(0.5, 2, generator=generator)
    return network


def started(factory):
    network = build(Architecture(factory))
    initialise(network, torch.Generator().manual_seed(0))
    return network


def batches_of(sizes, size=64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [
        (torch.randn(count, 3, size, size, generator=generator), (torch.arange(count) % 2).to(torch.uint8))
        for count in sizes
    ]


def layers_of(network, group):
    """The weights of a group's layers, each with the channels first: makers', readers' and norms'."""
    depthwise = {
        name
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Conv2d) and layer.groups == layer.in_channels > 1
    }
    norms = {name.rpartition(".")[0] for name, _ in group.slices if name.endswith("running_mean")}
    weights = {name: layer.weight for name, layer in network.named_modules() if hasattr(layer, "weight")}
    return {
        "makers": [weights[name] for name in group.makers],
        "readers": [weights[name].transpose(0, 1) for name in group.readers if name not in depthwise],
        "norms": [weights[name] for name in sorted(norms)],
    }


def entries(weight, channel):
    return weight[channel].flatten().tolist()


# --- magnitude


@pytest.mark.parametrize("factory", PUBLISHED)
def test_a_filters_norm_is_the_sum_of_its_absolute_weights_and_residual_makers_are_averaged(factory):
    network = narrow(factory)
    scores = filter_norms(network)
    assert list(scores) == [group.name for group in channel_groups(network)]
    for group in channel_groups(network):
        for channel in range(group.channels):
            norms = [
                sum(abs(value) for value in entries(network.get_submodule(name).weight, channel))
                for name in group.makers
            ]
            assert float(scores[group.name][channel]) == pytest.approx(sum(norms) / len(norms), rel=1e-6)


def test_where_one_layer_makes_the_channels_torch_pruning_gives_the_same_norm():
    from torch_pruning.pruner.importance import GroupMagnitudeImportance

    network = narrow("resnet18")
    theirs = GroupMagnitudeImportance(p=1, group_reduction="first", normalizer=None)
    single = [(group, found) for group, found in coupled(network) if len(group.makers) == 1]
    assert len(single) == 8
    for group, found in single:
        torch.testing.assert_close(filter_norms(network)[group.name].float(), theirs(found))


# --- group norm


@pytest.mark.parametrize("factory", PUBLISHED)
def test_a_group_norm_is_the_mean_square_sum_of_all_coupled_layers(factory):
    network = narrow(factory)
    scores = group_norms(network)
    for group in channel_groups(network):
        layers = [weight for part in layers_of(network, group).values() for weight in part]
        raw = [
            sum(sum(value * value for value in entries(weight, channel)) for weight in layers) / len(layers)
            for channel in range(group.channels)
        ]
        expected = [value / (sum(raw) / len(raw)) for value in raw]
        assert scores[group.name].tolist() == pytest.approx(expected, rel=1e-4)


def test_the_first_residual_groups_layers_are_the_ones_that_its_sums_join():
    network = narrow("resnet18")
    weights = {name: tensor.detach().double() for name, tensor in network.features.named_parameters()}
    makers = ["conv", "block1_1.conv2", "block1_2.conv2"]
    readers = ["block1_1.conv1", "block1_2.conv1", "block2_1.conv1", "block2_1.shortcut.0"]
    norms = ["norm", "block1_1.norm2", "block1_2.norm2"]
    total = torch.zeros(8, dtype=torch.float64)
    for channel in range(8):
        total[channel] += sum(float(weights[f"{name}.weight"][channel].square().sum()) for name in makers)
        total[channel] += sum(float(weights[f"{name}.weight"][:, channel].square().sum()) for name in readers)
        total[channel] += sum(float(weights[f"{name}.weight"][channel]) ** 2 for name in norms)
    torch.testing.assert_close(group_norms(network)["features.conv"], total / total.mean(), rtol=1e-5, atol=0)


# --- Taylor


def test_frozen_norms_change_no_effect_since_they_are_in_none(monkeypatch):
    class Frozen(factory_of("small-cnn")):
        def __init__(self):
            super().__init__()
            for layer in self.modules():
                if isinstance(layer, nn.BatchNorm2d):
                    layer.requires_grad_(False)

    network, batches = started("small-cnn"), batches_of([6])
    monkeypatch.setitem(INTERNAL, "frozen", Frozen)
    frozen = build(Architecture("frozen"), state_of(network))
    assert sum(not one.requires_grad for one in frozen.parameters()) == 8
    expected = effects(network, batches)
    for name, found in effects(frozen, batches).items():
        torch.testing.assert_close(found, expected[name], rtol=0, atol=0)


def summed_gradients(network, batches, loss=None):
    images, labels = (torch.cat([batch[index] for batch in batches]) for index in (0, 1))
    value = F.cross_entropy(network(images), labels.long(), reduction="sum") if loss is None else loss(network(images))
    return dict(
        zip(dict(network.named_parameters()), torch.autograd.grad(value, list(network.parameters())), strict=True)
    )


@pytest.mark.parametrize("factory", PUBLISHED)
def test_an_effect_is_the_mean_over_layers_of_the_sums_of_weight_times_gradient(factory):
    network, batches = narrow(factory), batches_of([3, 2])
    scores = effects(network, batches)
    gradients = summed_gradients(network, batches)
    products = copy_of(network)
    for name, parameter in products.named_parameters():
        parameter.data.mul_(gradients[name])
    for group in channel_groups(network):
        parts = layers_of(products, group)
        layers = parts["makers"] + parts["readers"]  # no norm, no depthwise kernel: torch-pruning 1.6.1's choice
        expected = [
            sum(sum(abs(value) for value in entries(weight, channel)) for weight in layers) / len(layers)
            for channel in range(group.channels)
        ]
        assert scores[group.name].tolist() == pytest.approx(expected, rel=2e-3, abs=1e-4 * max(expected))


def test_an_effect_agrees_with_finite_differences_of_each_weight():
    network = build(narrowed("small-cnn", [2, 2, 2, 2]))
    initialise(network, torch.Generator().manual_seed(3))
    network = network.double()
    batches = [(images.double(), labels) for images, labels in batches_of([3, 1])]

    def loss():
        with torch.no_grad():
            return sum(
                float(F.cross_entropy(network(images), labels.long(), reduction="sum")) for images, labels in batches
            )

    def effect(weight, places):
        total, step = 0.0, 1e-6
        for place in places:
            original = float(weight.detach()[place])
            values = []
            for sign in (1, -1):
                weight.data[place] = original + sign * step
                values.append(loss())
            weight.data[place] = original
            total += abs(original * (values[0] - values[1]) / (2 * step))
        return total

    for channel in (0, 1):
        made = [(channel, *place) for place in torch.cartesian_prod(*map(torch.arange, (2, 3, 3))).tolist()]
        read = [(output, channel) for output in (0, 1)]
        expected = (effect(network.features.conv4.weight, made) + effect(network.head[1].weight, read)) / 2
        found = effects(network, batches)["features.conv4"]
        assert float(found[channel]) == pytest.approx(expected, rel=1e-4)
        assert expected > 0


def test_the_network_is_left_as_it_was():
    network = narrow("small-cnn")
    before = copy.deepcopy(network.state_dict())
    effects(network, batches_of([2]))
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_another_loss_is_a_mean_that_counts_by_its_batchs_images():
    network, batches = narrow("small-cnn"), batches_of([4, 2])
    plain = effects(network, batches)
    same = effects(network, batches, ClassDependentLoss())
    other = effects(network, batches, ClassDependentLoss(gamma=5.0))
    for name in plain:
        torch.testing.assert_close(same[name], plain[name], rtol=1e-4, atol=1e-6)
    assert any(not torch.allclose(plain[name], other[name]) for name in plain)


def test_a_network_whose_output_never_changes_has_no_effects():
    network = narrow("small-cnn")
    network.head[1].weight.data.zero_()
    assert [int(values.count_nonzero()) for values in effects(network, batches_of([2])).values()] == [0] * 4


# --- as methods


def kept_first(dense, pruned, score):
    left = pruned.network.features.conv1.weight
    expected = sorted(sorted(range(len(score)), key=lambda channel: -float(score[channel]))[: len(left)])
    return len(left), torch.equal(left, dense.features.conv1.weight[expected])


@pytest.mark.parametrize(
    ("method", "scores"),
    [
        (StructuredMagnitude(retrain="none"), lambda network, _: filter_norms(network)),
        (StructuredGroupNorm(retrain="none"), lambda network, _: group_norms(network)),
        (
            StructuredTaylor(images=20, retrain="none"),
            lambda network, bench: effects(network, bench.batches(20)),
        ),
    ],
)
def test_the_highest_scores_remain(make_bench, method, scores):
    bench = make_bench(initial=narrow("small-cnn"))
    dense = bench.dense()
    (pruned,) = method.prune(bench, [0.4])
    count, equal = kept_first(dense, pruned, scores(dense, bench)["features.conv1"])
    assert 0 < count <= 4
    assert equal
    assert pruned.mask is None


def test_the_training_loss_scores_with_what_later_rounds_are_trained_with(make_bench):
    bench = make_bench(loss="black", initial=narrow("small-cnn"))
    dense = bench.dense()
    found = StructuredTaylor(images=20, scoring_loss="training").channel_saliency(bench, dense)
    expected = effects(dense, bench.batches(20), bench.loss(round=1))
    plain = StructuredTaylor(images=20).channel_saliency(bench, dense)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert any(not torch.equal(found[name], plain[name]) for name in expected)


def test_published_scopes():
    assert StructuredMagnitude().scope == "layer"
    assert (StructuredTaylor().scope, StructuredGroupNorm().scope) == ("global", "global")
