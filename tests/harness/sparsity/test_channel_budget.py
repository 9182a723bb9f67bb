import itertools

import numpy as np
import pytest
import torch

from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise, parameter_count, skeleton
from harness.networks.registered import built_in
from harness.sparsity.channel_budget import SIZE_TOLERANCE, ParameterCount, _edited, remaining_channels
from harness.sparsity.surgery import channel_groups, without_channels
from harness.testing.narrowed import narrowed

PUBLISHED = built_in()


def small(widths=(4, 6, 8, 8)):
    network = build(narrowed("small-cnn", widths))
    initialise(network, torch.Generator().manual_seed(0))
    return network


@pytest.fixture(scope="module")
def whole():
    """Return the published network and its groups by name, traced once."""
    found = {}

    def get(factory):
        if factory not in found:
            network = build(Architecture(factory))
            found[factory] = network, channel_groups(network)
        return found[factory]

    return get


def rebuilt_count(network, groups, widths):
    """The parameters of the network that is built with those widths."""
    shapes = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
    for group, width in zip(groups, widths, strict=True):
        for name, dimension in group.slices:
            shapes[name][dimension] = int(width)
    return parameter_count(skeleton(Architecture(network.architecture.factory, {}, shapes)))


def draws(groups, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {group.name: torch.randn(group.channels, generator=generator) for group in groups}


@pytest.mark.parametrize("factory", PUBLISHED)
def test_the_count_is_that_of_the_network_built_with_those_widths(whole, factory):
    network, groups = whole(factory)
    count = ParameterCount(network, groups)
    numbers = np.random.default_rng(0)
    assert int(count(count.full)) == parameter_count(network)
    several = np.stack([numbers.integers(1, count.full + 1) for _ in range(6)])
    assert count(several).tolist() == [rebuilt_count(network, groups, widths) for widths in several]


@pytest.mark.parametrize("density", [0.5, 0.25, 0.0625, 0.015625])
@pytest.mark.parametrize("scope", ["layer", "global"])
@pytest.mark.parametrize("factory", PUBLISHED)
def test_every_published_network_reaches_every_level_within_two_percent(whole, factory, scope, density):
    network, groups = whole(factory)
    remaining = remaining_channels(network, groups, draws(groups), density, scope)
    widths = [int(remaining[group.name].sum()) for group in groups]
    assert min(widths) >= 1
    left = rebuilt_count(network, groups, widths)
    assert abs(left - density * parameter_count(network)) <= SIZE_TOLERANCE * density * parameter_count(network)


@pytest.mark.parametrize("scope", ["layer", "global"])
def test_the_cut_network_has_the_parameters_that_were_counted(scope):
    network = build(narrowed("resnet18", 1 / 8))
    initialise(network, torch.Generator().manual_seed(0))
    groups = channel_groups(network)
    remaining = remaining_channels(network, groups, draws(groups), 0.25, scope)
    cut = without_channels(network, remaining)
    left = np.array([int(remaining[group.name].sum()) for group in groups])
    assert parameter_count(cut) == int(ParameterCount(network, groups)(left))
    assert abs(parameter_count(cut) / parameter_count(network) - 0.25) <= 0.25 * SIZE_TOLERANCE


def test_the_highest_scores_of_each_group_remain_and_the_lower_index_on_a_tie():
    network = small()
    groups = channel_groups(network)
    scores = {group.name: torch.tensor([0.0, 2.0, 1.0, 2.0, 1.0, 0.0, 2.0, 1.0][: group.channels]) for group in groups}
    remaining = remaining_channels(network, groups, scores, 0.3, "layer")
    for group in groups:
        count = int(remaining[group.name].sum())
        values = scores[group.name].tolist()
        expected = sorted(range(group.channels), key=lambda index: (-values[index], index))[:count]
        assert remaining[group.name].nonzero().flatten().tolist() == sorted(expected)


def test_a_global_tie_goes_to_the_earlier_group():
    network = build(Architecture("alexnet-bn"))
    groups = channel_groups(network)
    equal = {group.name: torch.ones(group.channels) for group in groups}
    remaining = remaining_channels(network, groups, equal, 0.2, "global")
    kept = [int(remaining[group.name].sum()) for group in groups]
    full = [group.channels for group in groups]
    assert kept[0] == full[0]
    assert kept[-1] <= 3  # one, and what the last few channels needed


def test_one_layer_of_low_scores_keeps_its_best_channel():
    network = build(Architecture("alexnet-bn"))
    groups = channel_groups(network)
    scores = draws(groups)
    scores["features.conv3"] -= 1000
    remaining = remaining_channels(network, groups, scores, 0.05, "global")["features.conv3"]
    assert 1 <= int(remaining.sum()) <= 3
    assert bool(remaining[int(scores["features.conv3"].argmax())])


def test_layer_scope_leaves_each_group_the_same_share_but_for_single_channels():
    network = build(Architecture("alexnet-bn"))
    groups = channel_groups(network)
    remaining = remaining_channels(network, groups, draws(groups), 0.25, "layer")
    shares = [float(remaining[group.name].float().mean()) for group in groups]
    assert max(shares) - min(shares) < 0.05
    assert shares[0] == pytest.approx(0.5, abs=0.05)  # parameters go with the square of the width


def test_global_scope_ranks_the_channels_of_all_groups_together():
    network = build(Architecture("alexnet-bn"))
    groups = channel_groups(network)
    scores = draws(groups, seed=3)
    remaining = remaining_channels(network, groups, scores, 0.25, "global")
    ranked = sorted(
        ((float(value), group.name, index) for group in groups for index, value in enumerate(scores[group.name])),
        reverse=True,
    )
    kept = {(name, index) for name, mask in remaining.items() for index in mask.nonzero().flatten().tolist()}
    best = {(name, index) for _, name, index in ranked[: len(kept)]}
    assert len(kept - best) <= 2  # but for the last single channels


# --- the last single channels


def brute_force(count, start, asked):
    """The least error with the fewest single channels more or less that come within 1 %."""
    ranges = [range(1, int(full) + 1) for full in count.full]
    least = {}
    for widths in itertools.product(*ranges):
        edits = int(np.abs(np.array(widths) - start).sum())
        error = abs(int(count(np.array(widths))) - asked)
        least[edits] = min(error, least.get(edits, error))
    best = least[0]
    for edits in range(1, 9):
        if best <= 0.01 * asked:
            break
        best = min(best, least.get(edits, best))
    return best


@pytest.mark.parametrize("start", [(1, 1, 1, 1), (2, 3, 4, 4), (4, 6, 8, 8), (3, 1, 6, 2)])
@pytest.mark.parametrize("density", [0.1, 0.2, 0.33, 0.5, 0.77])
def test_single_channels_are_added_and_removed_as_brute_force_does(start, density):
    network = small()
    count = ParameterCount(network, channel_groups(network))
    asked = round(density * int(count(count.full)))
    found = _edited(count, np.array(start), asked)
    assert abs(int(count(found)) - asked) == brute_force(count, np.array(start), asked)
    assert bool(((found >= 1) & (found <= count.full)).all())


def test_widths_that_are_near_enough_are_left_alone():
    network = small()
    count = ParameterCount(network, channel_groups(network))
    start = np.array([2, 3, 4, 4])
    assert _edited(count, start, round(int(count(start)) * 1.009)).tolist() == start.tolist()


# --- what is refused


def test_a_level_that_no_widths_reach_is_refused_with_the_nearest():
    network = small()
    groups = channel_groups(network)
    with pytest.raises(ValueError, match=r"no widths leave \d+ parameters within 2 %: the nearest leave \d+"):
        remaining_channels(network, groups, draws(groups), 0.01, "layer")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda scores: scores.pop("features.conv2"), "no scores for the channels of features.conv2"),
        (lambda scores: scores.update(head=torch.ones(2)), "differ in names: .'head'"),
        (lambda scores: scores.update({"features.conv1": torch.ones(5)}), r"have shape \(5,\), not \(4,\)"),
        (
            lambda scores: scores.update({"features.conv1": torch.full((4,), torch.nan)}),
            "features.conv1 are not finite",
        ),
    ],
)
def test_wrong_scores_are_refused_by_name(change, reason):
    network = small()
    groups = channel_groups(network)
    scores = draws(groups)
    change(scores)
    with pytest.raises(ValueError, match=reason):
        remaining_channels(network, groups, scores, 0.5, "layer")


def test_the_same_scores_give_the_same_channels():
    network = small()
    groups = channel_groups(network)
    first, second = (remaining_channels(network, groups, draws(groups), 0.4, "global") for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
