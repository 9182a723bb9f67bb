from dataclasses import dataclass

import pytest
import torch

from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise, parameter_count, state_of
from harness.networks.registered import INTERNAL
from harness.pruning.one_shot import Retrain
from harness.pruning.templates import ChannelPruner, SaliencyPruner
from harness.sparsity.mask import prunable_weights
from harness.sparsity.surgery import channel_groups
from harness.testing.case.networks import Awkward
from harness.testing.narrowed import narrowed, widths_of


@dataclass(frozen=True, kw_only=True)
class BySize(SaliencyPruner):
    """Keeps the largest weights, and writes down the networks that it was given."""

    source = "test"

    def saliency(self, bench, network):
        SCORED.append(state_of(network))
        return {name: weight.detach().abs() for name, weight in prunable_weights(network).items()}


def by_size(usual):
    """A method that does after pruning what ``usual`` says, unless it is asked for something else."""

    @dataclass(frozen=True, kw_only=True)
    class Usually(BySize):
        retrain: Retrain = usual

    return Usually


@dataclass(frozen=True, kw_only=True)
class ByIndex(ChannelPruner):
    """Keeps the channels of even index before the others, the lower ones first."""

    source = "test"

    def channel_saliency(self, bench, network):
        SCORED.append(state_of(network))
        return {
            group.name: -torch.arange(group.channels) - 1000.0 * (torch.arange(group.channels) % 2)
            for group in channel_groups(network)
        }


SCORED: list = []
RETRAIN = ("none", "finetune", "rewind-rate", "rewind-weights")


@pytest.fixture(autouse=True)
def _nothing_is_scored_yet():
    SCORED.clear()


@pytest.fixture
def small():
    network = build(narrowed("small-cnn", [8, 12, 16, 16]))
    initialise(network, torch.Generator().manual_seed(0))
    return network


def same(left, right):
    left, right = state_of(left), right if isinstance(right, dict) else state_of(right)
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


# --- which network is scored and pruned


def test_the_trained_network_is_scored_by_default(make_bench):
    bench = make_bench()
    (pruned,) = BySize().prune(bench, [0.5])
    assert same(bench.dense(), SCORED[0])
    expected = bench.dense()
    pruned.mask.apply_(expected)
    assert same(pruned.network, expected)


@pytest.mark.parametrize("usual", RETRAIN)
def test_what_is_pruned_at_w0_is_scored_there_and_trained_from_there_once(make_bench, usual):
    bench = make_bench(loss="black")
    (pruned,) = by_size(usual)(start="W0").prune(bench, [0.5])
    assert len(SCORED) == 1
    assert same(bench.network(), SCORED[0])
    assert same(pruned.network, bench.train(bench.network(), pruned.mask, round=1))
    sizes = torch.cat([weight.detach().abs().flatten() for weight in prunable_weights(bench.network()).values()])
    kept = torch.cat([mask.flatten() for mask in pruned.mask.values()])
    assert sizes[kept].min() >= sizes[~kept].max()


@pytest.mark.parametrize("usual", RETRAIN)
def test_what_is_pruned_at_w0_takes_no_other_retrain_than_the_methods_own(usual):
    kind = by_size(usual)
    assert kind(start="W0", retrain=usual) == kind(start="W0")
    for retrain in {*RETRAIN} - {usual}:
        with pytest.raises(ValueError, match=r"retrain is for start=trained: .* W0 is always trained from there"):
            kind(start="W0", retrain=retrain)
        assert kind(retrain=retrain).retrain == retrain  # of the trained network, any


def test_the_dense_level_is_the_dense_network_wherever_pruning_starts(make_bench):
    bench = make_bench()
    (dense,) = BySize(start="W0").prune(bench, [1.0])
    assert same(dense.network, bench.dense())
    assert dense.mask is None
    assert not SCORED


# --- channels


def even_first(channels, width):
    return sorted([*range(0, channels, 2), *range(1, channels, 2)][:width])


def cut_by_hand(network, cut):
    """The state of ``network`` with the channels that `ByIndex` keeps, layer by layer."""
    state, left = state_of(network), widths_of(cut)
    before = [0, 1, 2]
    for number, width in enumerate(left, start=1):
        kept = even_first(len(state[f"features.conv{number}.weight"]), width)
        state[f"features.conv{number}.weight"] = state[f"features.conv{number}.weight"][kept][:, before]
        for name in ("weight", "bias", "running_mean", "running_var"):
            state[f"features.norm{number}.{name}"] = state[f"features.norm{number}.{name}"][kept]
        before = kept
    state["head.1.weight"] = state["head.1.weight"][:, before]
    return state


def test_the_lowest_channels_are_cut_out_of_the_trained_network(make_bench, small):
    bench = make_bench(initial=small)
    (pruned,) = ByIndex(retrain="none").prune(bench, [0.4])
    assert same(bench.dense(), SCORED[0])
    assert same(pruned.network, cut_by_hand(bench.dense(), pruned.network))
    assert pruned.mask is None


@pytest.mark.parametrize("retrain", ["rewind-rate", "rewind-weights"])
def test_what_is_left_is_trained_on_or_cut_out_of_w0_and_trained_anew(make_bench, small, retrain):
    bench = make_bench(loss="black", initial=small)
    (pruned,) = ByIndex(retrain=retrain).prune(bench, [0.4])
    start = bench.network() if retrain == "rewind-weights" else bench.dense()
    cut = build(pruned.network.architecture, cut_by_hand(start, pruned.network))
    assert same(pruned.network, bench.train(cut, round=1))
    assert not same(pruned.network, cut)


def test_training_on_is_the_default_and_every_layer_keeps_its_share(make_bench, small):
    bench = make_bench(initial=small)
    (pruned,) = ByIndex().prune(bench, [0.5])
    (same_,) = ByIndex(scope="layer", retrain="rewind-rate").prune(bench, [0.5])
    assert ByIndex().retrain == "rewind-rate"
    assert same(pruned.network, same_.network)
    shares = [width / full for width, full in zip(widths_of(pruned.network), (8, 12, 16, 16), strict=True)]
    assert max(shares) - min(shares) < 0.2


@pytest.mark.parametrize("scope", ["layer", "global"])
def test_each_level_is_within_its_tolerance_and_what_it_is_alone(make_bench, small, scope):
    bench = make_bench(initial=small)
    method = ByIndex(scope=scope, retrain="none")
    levels = [1.0, 0.6, 0.3]
    together = list(method.prune(bench, levels))
    for density, found in zip(levels, together, strict=True):
        (alone,) = method.prune(bench, [density])
        assert same(alone.network, found.network)
        achieved = parameter_count(found.network) / parameter_count(small)
        assert abs(achieved - density) <= method.density_tolerance * density
    assert same(together[0].network, bench.dense())
    assert method.density_tolerance == 0.02
    assert method.level_order == "independent"


def test_a_network_that_cannot_be_narrowed_is_declined_and_left_alone(small, monkeypatch):
    before = {name: tensor.clone() for name, tensor in small.state_dict().items()}
    assert ByIndex().skip(small.train()) is None
    assert small.training
    assert all(torch.equal(before[name], tensor) for name, tensor in small.state_dict().items())
    monkeypatch.setitem(INTERNAL, "awkward", Awkward)
    assert "does not index its channels one by one" in ByIndex().skip(build(Architecture("awkward")))
