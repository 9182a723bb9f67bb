import itertools
from collections import OrderedDict

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from harness.methods.synflow import SynFlow, flow_mask, synaptic_flow
from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build, copy_of, initialise
from harness.networks.registered import INTERNAL
from harness.sparsity.mask import Mask, prunable_weights
from harness.sparsity.ranking import prune_least
from harness.testing.narrowed import narrowed

PIXEL = (3, 1, 1)


class Chain(Network):
    """Layers of 3 x 40, 40 x ``middle`` and ``middle`` x 6 weights on one pixel, and a head too small to prune."""

    def __init__(self, middle=20):
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                one=nn.Conv2d(3, 40, 1),
                norm=nn.BatchNorm2d(40),
                relu1=nn.ReLU(inplace=True),
                two=nn.Conv2d(40, middle, 1),
                relu2=nn.ReLU(inplace=True),
                three=nn.Conv2d(middle, 6, 1),
            )
        )
        self.head = nn.Sequential(nn.Dropout(), nn.Linear(6, 2))


@pytest.fixture(autouse=True)
def _chain_by_name(monkeypatch):
    monkeypatch.setitem(INTERNAL, "chain", Chain)


def drawn(factory, **arguments):
    """Return a network with random biases, and batch norms with random factors, variances, shifts and means."""
    widths = arguments.pop("widths", None)
    network = build(narrowed(factory, widths) if widths else Architecture(factory, arguments))
    generator = torch.Generator().manual_seed(3)
    initialise(network, generator)
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                for values in (layer.weight, layer.bias, layer.running_mean):
                    values.normal_(generator=generator)
                layer.running_var.uniform_(0.5, 4.0, generator=generator)
            elif isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
                layer.bias.normal_(generator=generator)
    return network


def factors(norm):
    """What a batch norm multiplies each channel by, without its sign, in float64."""
    return norm.weight.detach().double().abs() / (norm.running_var.double() + norm.eps).sqrt()


def matrices(network):
    """|w| of the chain's four layers as (outputs, inputs) arrays, without its norm."""
    layers = (network.features.one, network.features.two, network.features.three, network.head[1])
    return [layer.weight.detach().double().abs().flatten(1).numpy() for layer in layers]


def folded(network):
    """The chain's four layers with the norm's factors in the first."""
    one, *others = matrices(network)
    return [factors(network.features.norm).numpy()[:, None] * one, *others]


def flows_of(layers):
    """Flow through each weight of a chain: what reaches its input, times |w|, times what its output passes on."""
    shares = []
    for index, weights in enumerate(layers):
        reaching = np.ones(layers[0].shape[1])
        for earlier in layers[:index]:
            reaching = earlier @ reaching
        passing = np.ones(layers[-1].shape[0])
        for later in reversed(layers[index + 1 :]):
            passing = passing @ later
        shares.append(passing[:, None] * weights * reaching[None, :])
    return shares


NAMES = ("features.one.weight", "features.two.weight", "features.three.weight")


def test_a_score_is_the_share_of_all_paths_that_go_through_the_weight():
    """Every path from an input to an output by itself: 3 x 40 x 20 x 6 x 2 products of four weights and a factor."""
    network = drawn("chain")
    layers, through_norm = matrices(network), factors(network.features.norm).tolist()
    assert max(through_norm) > 2 * min(through_norm)
    sums = [np.zeros_like(weights) for weights in layers]
    total = 0.0
    for nodes in itertools.product(*(range(size) for size in (3, 40, 20, 6, 2))):
        steps = list(zip(layers, itertools.pairwise(nodes), strict=True))
        product = through_norm[nodes[1]]
        for weights, (source, target) in steps:
            product *= weights[target, source]
        total += product
        for own, (_, (source, target)) in zip(sums, steps, strict=True):
            own[target, source] += product
    found = synaptic_flow(copy_of(network), PIXEL)
    assert tuple(found) == NAMES
    for name, own in zip(NAMES, sums, strict=False):
        assert found[name].dtype == torch.float64
        np.testing.assert_allclose(found[name].flatten(1).numpy(), own / total, rtol=1e-9, atol=0)


def test_a_score_is_the_share_of_the_flow_that_is_lost_without_the_weight():
    """Convolutions over an image: |w| and the norms' factors alone, on ones, with one w = 0."""
    network = drawn("tiny")
    found = synaptic_flow(copy_of(network), (3, 16, 16))
    features = network.features
    first, second, head = (
        layer.weight.detach().double().abs() for layer in (features.conv1, features.conv2, network.head[1])
    )
    norm1, norm2 = (factors(norm)[:, None, None] for norm in (features.norm1, features.norm2))

    def flow():
        inner = F.conv2d(torch.ones(1, 3, 16, 16).double(), first, stride=2, padding=1) * norm1
        return float(((F.conv2d(inner, second, stride=2, padding=1) * norm2).mean((2, 3)) @ head.T).sum())

    whole = flow()
    for name, weight in (("features.conv1.weight", first), ("features.conv2.weight", second)):
        for index in (0, 5, 100, weight.numel() - 1):
            origin = float(weight.view(-1)[index])
            weight.view(-1)[index] = 0.0
            lost = (whole - flow()) / whole
            weight.view(-1)[index] = origin
            assert float(found[name].view(-1)[index]) == pytest.approx(lost, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize(
    ("factory", "arguments"), [("alexnet-bn", {"widths": 12}), ("mobilenet-v1", {"width": 0.1}), ("chain", {})]
)
@pytest.mark.parametrize("density", [1.0, 0.5])
def test_the_flow_through_every_layer_is_the_same(factory, arguments, density):
    """Conservation (the paper's Theorem 1) through maxima, padding and depthwise layers, before and after pruning."""
    network = drawn(factory, **arguments)
    shape = PIXEL if factory == "chain" else (3, 64, 64)
    mask = Mask.ones(network)
    if density < 1:
        mask = Mask(flow_mask(copy_of(network), shape, density, 5, "global"), mask.total)
        assert mask.kept == round(density * mask.total)
    mask.apply_(network)
    for name, score in synaptic_flow(network, shape).items():
        assert float(score.sum()) == pytest.approx(1.0, rel=1e-9)
        assert bool((score >= 0).all())
        assert bool((score[~mask[name]] == 0).all())


def test_signs_and_shifts_do_not_matter():
    network = drawn("alexnet-bn", widths=12)
    before = synaptic_flow(copy_of(network), (3, 64, 64))
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d | nn.Conv2d | nn.Linear):
                layer.weight.abs_()
                layer.bias.zero_()
            if isinstance(layer, nn.BatchNorm2d):
                layer.running_mean.zero_()
    after = synaptic_flow(network, (3, 64, 64))
    assert all(torch.equal(before[name], after[name]) for name in before)


@torch.no_grad()
def set_norms_to_identity(network):
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.reset_parameters()
            layer.eps = 0.0


@pytest.mark.parametrize(
    ("factory", "arguments"),
    [
        ("alexnet-bn", {"widths": 12}),
        ("mobilenet-v1", {"width": 0.1}),
        ("resnet18", {"widths": 6}),
        ("small-cnn", {}),
    ],
)
def test_scores_are_those_of_the_network_with_its_norms_folded_into_its_convolutions(factory, arguments):
    """The scores of a folded weight are those of the weight: both scale with what they are multiplied by."""
    network = drawn(factory, **arguments)
    found = synaptic_flow(copy_of(network), (3, 64, 64))
    plain = copy_of(network).double()
    convolution = None
    for before, after in zip(network.modules(), plain.modules(), strict=True):
        if isinstance(after, nn.BatchNorm2d):
            convolution.weight.data *= factors(before)[:, None, None, None]
        convolution = after if isinstance(after, nn.Conv2d) else convolution
    left_out = copy_of(network)
    for changed in (plain, left_out):
        set_norms_to_identity(changed)
    expected, without = synaptic_flow(plain, (3, 64, 64)), synaptic_flow(left_out, (3, 64, 64))
    assert found.keys() == expected.keys()
    for name in found:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-9, atol=1e-15)
        assert not torch.allclose(found[name], without[name], rtol=0.1, atol=0.0)


def test_norms_that_nothing_has_moved_change_no_score():
    """Factor 1, variance 1: what is left of a norm is its eps, the same for every path through a chain of layers."""
    network = build(Architecture("small-cnn"))
    initialise(network, torch.Generator().manual_seed(0))
    without = copy_of(network)
    set_norms_to_identity(without)
    found, expected = synaptic_flow(network, (3, 32, 32)), synaptic_flow(without, (3, 32, 32))
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-12, atol=0.0)


def test_a_channel_that_its_norm_silences_carries_no_flow(tiny):
    with torch.no_grad():
        tiny.features.norm1.weight[3] = 0.0
    found = synaptic_flow(tiny, (3, 16, 16))
    assert not bool(found["features.conv1.weight"][3].any())
    assert not bool(found["features.conv2.weight"][:, 3].any())
    assert bool((found["features.conv1.weight"][[0, 1, 2, 4, 5, 6, 7]] > 0).all())


def test_products_too_long_for_single_precision_are_no_trouble():
    network = drawn("chain")
    usual = synaptic_flow(copy_of(network), PIXEL)
    for factor in (1e-15, 1e15):
        scaled = copy_of(network)
        with torch.no_grad():
            for layer in scaled.modules():
                if isinstance(layer, nn.Conv2d | nn.Linear):
                    layer.weight.mul_(factor)  # to the fourth power: 1e60 and 1e-60
        for name, score in synaptic_flow(scaled, PIXEL).items():
            torch.testing.assert_close(score, usual[name], rtol=1e-5, atol=0.0)


def check_step(layers, before, after, count):
    """Of the weights that were left, the ``count`` with the largest flow through what was left are left after.

    The flows into and out of a unit with one weight each are equal: either may go, by the last bit.
    """
    scores = np.concatenate([own.ravel() for own in flows_of([*before, layers[-1]])[:3]])
    was, is_ = (np.concatenate([own.ravel() for own in masks]) != 0 for masks in (before, after))
    assert int(is_.sum()) == count
    assert not (is_ & ~was).any()
    assert scores[is_].min() >= scores[was & ~is_].max() * (1 - 1e-9)


@pytest.mark.parametrize("density", [0.5, 0.2, 0.14])
def test_masks_shrink_by_equal_factors_and_what_is_pruned_never_returns(density, monkeypatch):
    """Every step of the whole method for a chain, from where the one before left it."""
    network = drawn("chain")
    steps = []

    def recorded(*arguments):
        steps.append(prune_least(*arguments))
        return steps[-1]

    monkeypatch.setattr("harness.methods.synflow.prune_least", recorded)
    found = flow_mask(copy_of(network), PIXEL, density, 12, "global")
    layers = folded(network)
    total = sum(parameter.numel() for parameter in network.parameters())
    weights = sum(layer.size for layer in layers[:3])
    last = round(density * total) - (total - weights)
    assert len(steps) == 12
    before = layers[:3]
    for number, step in enumerate(steps, start=1):
        after = [layer * step[name].flatten(1).numpy() for layer, name in zip(layers, NAMES, strict=False)]
        check_step(layers, before, after, round(weights * (last / weights) ** (number / 12)))
        before = after
    assert all(torch.equal(found[name], steps[-1][name]) for name in NAMES)


def test_no_layer_is_emptied_at_a_density_where_one_shot_empties_one():
    """The wide middle layer shares its flow among 20,000 weights: at once all go, step by step the last stay."""
    network = drawn("chain", middle=500)
    unprunable = Mask.ones(network).total - sum(weight.numel() for weight in prunable_weights(network).values())
    density = (unprunable + 40) / Mask.ones(network).total

    def left(iterations):
        mask = flow_mask(copy_of(network), PIXEL, density, iterations, "global")
        assert sum(int(own.sum()) for own in mask.values()) == 40
        return [int(own.sum()) for own in mask.values()]

    assert min(left(1)) == 0
    assert min(left(100)) > 0


def test_the_density_of_the_unprunable_parameters_alone_is_reached_and_less_is_refused():
    network = drawn("chain")
    total = Mask.ones(network).total
    fixed = total - sum(weight.numel() for weight in prunable_weights(network).values())
    assert not any(bool(own.any()) for own in flow_mask(copy_of(network), PIXEL, fixed / total, 5, "global").values())
    one = flow_mask(copy_of(network), PIXEL, (fixed + 1) / total, 5, "global")
    assert sum(int(own.sum()) for own in one.values()) == 1
    with pytest.raises(ValueError, match="can't be pruned"):
        flow_mask(copy_of(network), PIXEL, (fixed - 1) / total, 5, "global")


def test_one_iteration_is_the_ranking_of_the_saliency(make_bench, tiny):
    method = SynFlow(iterations=1)
    mask = method.mask(make_bench(), tiny, 0.4)
    expected = prune_least(method.saliency(make_bench(), tiny), Mask.ones(tiny), 0.4, "global")
    assert all(torch.equal(mask[name], expected[name]) for name in mask)


def test_w0_is_masked_at_the_images_size_without_their_pixels_and_trained(make_bench, tiny):
    bench = make_bench()
    (pruned,) = SynFlow().prune(bench, [0.4])
    expected = flow_mask(copy_of(tiny), (3, 16, 16), 0.4, 100, "global")
    assert all(torch.equal(pruned.mask[name], expected[name]) for name in expected)
    assert pruned.mask.kept == round(0.4 * pruned.mask.total)
    trained = dict(bench.train(bench.network(), pruned.mask, round=1).named_parameters())
    assert all(torch.equal(value, trained[name]) for name, value in pruned.network.named_parameters())
    (other,) = SynFlow().prune(make_bench(seed=5), [0.4])  # other batches, the same network
    assert all(torch.equal(pruned.mask[name], other.mask[name]) for name in expected)
