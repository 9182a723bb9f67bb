import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.networks.architecture import Architecture
from harness.networks.factories import skeleton
from harness.sparsity.layer_densities import layer_counts, layer_quotas
from harness.sparsity.mask import DensityUnreachable, Mask, prunable_weights
from harness.sparsity.ranking import prune_least

# Weights in the network's order: convolutions (out, in, height, width), a depthwise one, linear layers (out, in).
CHAIN = [(16, 3, 3, 3), (32, 16, 5, 5), (32, 1, 3, 3), (64, 32, 1, 1), (40, 64), (10, 40)]
LINEAR = [(30, 50), (30, 30), (10, 30)]
CONVOLUTIONS = [(8, 3, 7, 7), (200, 8, 3, 3), (4, 200, 1, 1)]
NETWORKS = {"chain": CHAIN, "linear": LINEAR, "convolutions": CONVOLUTIONS}
SCOPES = ["layer", "erk", "uniform+"]


def mask_of(shapes, left=None):
    """A mask of layers 0, 1, ... of these shapes, with the first ``left`` weights of each; all of them by default."""
    remaining = {}
    for index, shape in enumerate(shapes):
        flat = torch.arange(math.prod(shape)) < (math.prod(shape) if left is None else left[index])
        remaining[str(index)] = flat.view(shape)
    return Mask(remaining, sum(math.prod(shape) for shape in shapes))


def rising(counts_at, budget):
    """The counts of a function of one number whose sum rises with it, where that sum is the budget: by bisection."""
    low, high = 0.0, 1e9
    for _ in range(300):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(counts_at(middle)) < budget else (low, middle)
    return counts_at(high)


def by_definition(shapes, budget, scope, left=None):
    """The weights of each layer before they are rounded, from the rules in words; None where there are too few."""
    sizes = [math.prod(shape) for shape in shapes]
    left = sizes if left is None else left
    first = next((index for index, shape in enumerate(shapes) if len(shape) == 4), None)
    last = next((index for index in reversed(range(len(shapes))) if len(shapes[index]) == 2), None)

    def kept(number):
        counts = []
        for index, shape in enumerate(shapes):
            density = number
            if scope == "erk" and len(shape) == 4:
                outputs, inputs, height, width = shape
                density = number * (inputs + outputs + height + width) / (inputs * outputs * height * width)
            elif scope == "erk":
                density = number * (shape[1] + shape[0]) / (shape[1] * shape[0])
            count = density * sizes[index]
            if scope == "uniform+" and index == first:
                count = sizes[index]
            elif scope == "uniform+" and index == last:
                count = max(count, math.ceil(sizes[index] * 0.2 - 1e-9))
            counts.append(min(count, left[index]))
        return counts

    return rising(kept, budget) if sum(kept(0.0)) <= budget else None


def check_rounded(found, exact, budget, left):
    """Whole numbers that sum to the budget, each its exact share rounded up or down, none above its layer."""
    assert sum(found) == budget
    for count, share, limit in zip(found, exact, left, strict=True):
        assert isinstance(count, int)
        assert abs(count - share) < 1 + 1e-5
        assert 0 <= count <= limit


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("network", NETWORKS)
def test_every_layer_has_the_density_of_the_definition(network, scope):
    shapes, mask = NETWORKS[network], mask_of(NETWORKS[network])
    sizes = [math.prod(shape) for shape in shapes]
    reached = 0
    for density in (1.0, 0.9, 0.7, 0.5, 0.25, 0.1, 0.04):
        budget = round(density * mask.total)
        exact = by_definition(shapes, budget, scope)
        if exact is not None:
            check_rounded(list(layer_counts(mask, budget, scope).values()), exact, budget, sizes)
            reached += 1
    assert reached >= 4


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_every_layer_has_the_density_of_the_definition_up_to_what_a_mask_has_left(data):
    shapes = data.draw(st.sampled_from(list(NETWORKS.values())))
    scope = data.draw(st.sampled_from(SCOPES))
    left = [data.draw(st.integers(0, math.prod(shape))) for shape in shapes]
    budget = data.draw(st.integers(0, sum(left)))
    exact = by_definition(shapes, budget, scope, left)
    if exact is None:
        with pytest.raises(DensityUnreachable):
            layer_counts(mask_of(shapes, left), budget, scope)
    else:
        check_rounded(list(layer_counts(mask_of(shapes, left), budget, scope).values()), exact, budget, left)


def test_erk_by_hand():
    """Dimensions sum to 36 and 24: at 60 weights epsilon is 1; at 1,000 the small layer is full and stays whole."""
    mask = mask_of([(32, 1, 2, 1), (2, 22)])
    assert list(layer_counts(mask, 60, "erk").values()) == [36, 24]
    assert list(layer_counts(mask, 100, "erk").values()) == [60, 40]
    mask = mask_of([(32, 30, 2, 2), (2, 22)])
    assert list(layer_counts(mask, 1000, "erk").values()) == [956, 44]


def test_uniform_plus_by_hand():
    """100 weights of the first convolution; 500 and 100 others, of which the last layer keeps 20 or more."""
    mask = mask_of([(4, 25, 1, 1), (5, 100), (10, 10)])
    assert list(layer_counts(mask, 400, "uniform+").values()) == [100, 250, 50]
    assert list(layer_counts(mask, 220, "uniform+").values()) == [100, 100, 20]
    assert list(layer_counts(mask, 170, "uniform+").values()) == [100, 50, 20]
    assert list(layer_counts(mask, 120, "uniform+").values()) == [100, 0, 20]
    with pytest.raises(DensityUnreachable, match=r"uniform\+ keeps 120 weights .* only 119 weights may stay"):
        layer_counts(mask, 119, "uniform+")


def test_uniform_plus_knows_the_first_convolution_and_the_last_linear_layer_by_their_kind():
    """Neither the first layer nor the last: a linear layer before the convolutions, a convolution after the linear."""
    mask = mask_of([(10, 10), (10, 10, 1, 1), (10, 10), (10, 10), (10, 10, 1, 1)])
    assert list(layer_counts(mask, 150, "uniform+").values()) == [10, 100, 10, 20, 10]


@pytest.mark.parametrize("scope", ["erk", "uniform+"])
def test_the_layers_of_an_iterative_method_are_nested_and_those_of_the_definition(scope):
    """From mask to mask, one weight fewer each time: counts never rise, and stay within one of those from the whole."""
    whole = mask_of(CHAIN)
    generator = torch.Generator().manual_seed(0)
    mask = whole
    for budget in range(whole.total, 2500, -97):
        scores = {name: torch.rand(tensor.shape, generator=generator) for name, tensor in mask.items()}
        smaller = prune_least(scores, mask, budget / whole.total, scope)
        assert smaller.kept == budget
        assert all(bool((smaller[name] <= mask[name]).all()) for name in mask)
        exact = by_definition(CHAIN, budget, scope)
        for (name, tensor), share in zip(smaller.items(), exact, strict=True):
            assert abs(int(tensor.sum()) - share) < 1.5, name
        mask = smaller


@pytest.mark.parametrize("scope", ["erk", "uniform+"])
def test_no_layers_exact_share_falls_when_the_density_rises(scope):
    shapes, mask = CHAIN, mask_of(CHAIN)
    counts = [list(layer_counts(mask, budget, scope).values()) for budget in range(2000, mask.total, 53)]
    for fewer, more in itertools.pairwise(counts):
        assert all(less <= much + 1 for less, much in zip(fewer, more, strict=True))  # rounding may move the odd weight
    assert all(low <= high for low, high in zip(counts[0], counts[-1], strict=True))
    assert len(counts[0]) == len(shapes)


@pytest.mark.parametrize("scope", SCOPES)
def test_budgets_are_the_whole_networks_with_what_cannot_be_pruned_paid_first(network, scope):
    mask = Mask.ones(network)
    unprunable = mask.total - sum(tensor.numel() for tensor in mask.values())
    floor = 216 + 24 if scope == "uniform+" else 0  # the first convolution, and a fifth of the last layer's 120
    scores = {name: torch.zeros(tensor.shape) for name, tensor in mask.items()}
    for kept in range(unprunable + floor, mask.total + 1):
        assert prune_least(scores, mask, kept / mask.total, scope).kept == kept
    with pytest.raises(DensityUnreachable):
        prune_least(scores, mask, (unprunable + floor - 1) / mask.total, scope)


@pytest.mark.parametrize("factory", ["alexnet", "alexnet-bn", "mobilenet-v1", "resnet18", "small-cnn", "vgg16"])
@pytest.mark.parametrize("scope", ["erk", "uniform+"])
def test_real_networks_reach_the_papers_levels_with_the_densities_of_the_definition(factory, scope):
    network = skeleton(Architecture(factory))
    shapes = [tuple(weight.shape) for weight in prunable_weights(network).values()]
    mask = mask_of(shapes)
    sizes = [math.prod(shape) for shape in shapes]
    total = sum(parameter.numel() for parameter in network.parameters())
    for level in range(7):
        budget = round(0.5**level * total) - (total - sum(sizes))
        exact = by_definition(shapes, budget, scope)
        check_rounded(list(layer_counts(mask, budget, scope).values()), exact, budget, sizes)


# --- quotas


def quotas(proportions, most, budget, least=None):
    least = [0] * len(most) if least is None else least
    return layer_quotas(np.array(proportions), np.array(least), np.array(most), budget)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_quotas_are_exact_in_sum_proportional_and_within_limits(data):
    sizes = data.draw(st.lists(st.integers(1, 300), min_size=1, max_size=6))
    most = [data.draw(st.integers(0, size)) for size in sizes]
    least = [data.draw(st.integers(0, limit)) for limit in most]
    budget = data.draw(st.integers(sum(least), sum(most)))
    exact = rising(
        lambda scale: [min(max(scale * size, low), high) for size, low, high in zip(sizes, least, most, strict=True)],
        budget,
    )
    found = quotas(sizes, most, budget, least)
    check_rounded(found, exact, budget, most)
    assert all(count >= limit for count, limit in zip(found, least, strict=True))


def quotas_by_fractions(sizes, budget):
    """Largest remainders, exactly; ties by the earlier layer."""
    exact = [Fraction(size * budget, sum(sizes)) for size in sizes]
    found = [math.floor(share) for share in exact]
    order = sorted(range(len(sizes)), key=lambda index: (found[index] - exact[index], index))
    for index in order[: budget - sum(found)]:
        found[index] += 1
    return found


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=6), st.floats(0, 1))
def test_quotas_without_limits_are_largest_remainders_and_ties_go_to_the_earlier_layer(sizes, share):
    budget = round(share * sum(sizes))
    assert quotas(sizes, sizes, budget) == quotas_by_fractions(sizes, budget)


def test_quotas_of_equal_layers_give_the_odd_weights_to_the_earlier_ones():
    assert quotas([10, 10, 10], [10, 10, 10], 17) == [6, 6, 5]
    assert quotas([216, 400, 120], [216, 400, 120], 60) == [18, 32, 10]  # 17.609, 32.609 and 9.783: 14/23 twice


@pytest.mark.parametrize("budget", [2, 31])
def test_quotas_outside_the_limits_are_refused(budget):
    with pytest.raises(ValueError, match="cannot be shared"):
        quotas([10, 10, 10], [10, 10, 10], budget, [1, 1, 1])
