import itertools

import pytest
import torch

from harness.errors import UsageError
from harness.methods.lt import LotteryTicket, prune_each_tensor, weight_scores
from harness.networks.architecture import Architecture
from harness.networks.factories import build, copy_of, initialise, state_of
from harness.planning.pruners import build_pruner
from harness.pruning.recalibration import recalibrated
from harness.sparsity.mask import Mask, prunable_weights
from harness.sparsity.ranking import prune_least
from harness.storage.canonical import digest

# methods: kept parameters of the paper's network per round under the released code's counting, biases included.
RELEASED_TOTALS = [2_471_842, 1_235_921, 617_961, 308_981, 154_492, 77_248, 38_626, 19_317]
RELEASED_HEAD = {
    "head.1.weight": [2048, 1024, 512, 256, 128, 64, 32, 16],
    "head.4.weight": [64, 32, 16, 8, 4, 2, 1, 1],
    "head.6.weight": [16, 8, 4, 2, 1, 1, 1, 1],
    "head.1.bias": [8, 4, 2, 1, 1, 1, 1, 1],
    "head.4.bias": [8, 4, 2, 1, 1, 1, 1, 1],
    "head.6.bias": [2, 1, 1, 1, 1, 1, 1, 1],
}


class RecordingBench:
    """A bench whose training adds seeded noise to the remaining weights; it keeps what it was asked for."""

    def __init__(self, initial):
        self.initial, self.asked = initial, []

    def network(self):
        return copy_of(self.initial)

    def train(self, network, mask=None, round=0, *, schedule=None):
        self.asked.append((state_of(network), mask, round))
        trained = copy_of(network)
        draws = torch.Generator().manual_seed(round)
        with torch.no_grad():
            for parameter in trained.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=draws) * 0.05)
        mask.apply_(trained)
        return trained


def released_alexnet():
    network = build(Architecture("alexnet"))
    initialise(network, torch.Generator().manual_seed(0))
    return network


def test_released_code_keeps_the_published_number_of_parameters():
    bench = RecordingBench(released_alexnet())
    levels = [0.5**round for round in range(8)]
    masks = [pruned.mask for pruned in LotteryTicket(variant="released-code").prune(bench, levels)]
    assert [mask.kept for mask in masks] == RELEASED_TOTALS
    for name, kept in RELEASED_HEAD.items():
        assert [int(mask[name].sum()) for mask in masks] == kept


def test_released_code_declines_norms(tiny):
    assert "norm layers" in LotteryTicket(variant="released-code").skip(tiny)
    assert LotteryTicket().skip(tiny) is None


def test_each_tensor_loses_the_floor_of_its_least_scores():
    kept = torch.tensor([True, True, False, True, True, True])
    scores = torch.tensor([3.0, -1.0, 99.0, 2.0, 2.0, 5.0])
    mask = prune_each_tensor({"w": scores}, Mask({"w": kept}, 6), 0.5)
    # int(5 * 0.5) = 2 go: -1, then the later of the two twos
    assert mask["w"].tolist() == [True, False, False, True, False, True]


BY_DEFINITION = {
    "magnitude-increase": lambda trained, initial: abs(trained) - abs(initial),
    "distance": lambda trained, initial: abs(trained - initial),
    "magnitude": lambda trained, _: abs(trained),
}


@pytest.mark.parametrize("criterion", BY_DEFINITION)
def test_masks_are_those_of_a_sorted_list(tiny, criterion):
    """The criterion by definition: per layer, sort its scores, the smallest go first."""
    pruned = list(LotteryTicket(criterion=criterion).prune(RecordingBench(tiny), [1.0, 0.5, 0.25]))
    score = BY_DEFINITION[criterion]
    before = {name: weight.flatten().tolist() for name, weight in prunable_weights(tiny).items()}
    for earlier, later in itertools.pairwise(pruned):
        after = {name: weight.flatten().tolist() for name, weight in prunable_weights(earlier.network).items()}
        for name in before:
            alive = [i for i, kept in enumerate(earlier.mask[name].flatten().tolist()) if kept]
            ranked = sorted(alive, key=lambda i: (-score(after[name][i], before[name][i]), i))
            expected = set(ranked[: int(later.mask[name].sum())])
            assert {i for i, kept in enumerate(later.mask[name].flatten().tolist()) if kept} == expected


def test_three_weights_tell_the_criteria_apart(tiny):
    """One grew from .1 to .3, one shrank from .9 to .5, one went from -.2 to .2."""
    initial, trained = copy_of(tiny), copy_of(tiny)
    name = "features.conv1.weight"
    for network, values in ((initial, (0.1, 0.9, -0.2)), (trained, (0.3, 0.5, 0.2))):
        network.features.conv1.weight.data.view(-1)[:3] = torch.tensor(values)
    found = {
        criterion: weight_scores(criterion, trained, initial, Mask.ones(tiny))[name].view(-1)[:3].tolist()
        for criterion in BY_DEFINITION
    }
    assert found["magnitude-increase"] == pytest.approx([0.2, -0.4, 0.0])
    assert found["distance"] == pytest.approx([0.2, 0.4, 0.4])
    assert found["magnitude"] == pytest.approx([0.3, 0.5, 0.2])


def test_the_magnitude_increase_is_the_default_and_another_name_is_refused():
    assert build_pruner("lt", {}) == LotteryTicket(criterion="magnitude-increase")
    for other in ("size", "movement"):
        with pytest.raises(UsageError, match="criterion"):
            build_pruner("lt", {"criterion": other})


@pytest.mark.parametrize("criterion", BY_DEFINITION)
def test_a_pruned_weight_never_returns_though_its_score_is_the_highest(tiny, criterion):
    name, everything = "features.conv2.weight", Mask.ones(tiny)
    gone = torch.arange(1152).view(16, 8, 3, 3) % 2 == 0
    mask = Mask({**everything, name: ~gone}, everything.total)
    trained = copy_of(tiny)
    trained.features.conv2.weight.data[gone] = 9.0
    scores = weight_scores(criterion, trained, tiny, mask)
    assert float(scores[name][gone].min()) > float(scores[name][~gone].max())
    smaller = LotteryTicket(criterion=criterion).shrink(scores, mask, 0.25, 0.5)[name]
    assert not bool((smaller & gone).any())
    assert 0 < int(smaller.sum()) < 576


def test_every_round_starts_from_w0_bit_for_bit(tiny):
    bench = RecordingBench(tiny)
    list(LotteryTicket().prune(bench, [1.0, 0.5, 0.25]))
    w0 = state_of(tiny)
    assert len(bench.asked) == 3
    for start, _, _ in bench.asked:
        assert all(torch.equal(start[name], w0[name]) for name in w0)
    assert [round for _, _, round in bench.asked] == [0, 1, 2]


def test_masks_are_nested_and_exact(tiny):
    levels = [1.0, 0.5, 0.25]
    pruned = list(LotteryTicket().prune(RecordingBench(tiny), levels))
    for density, (earlier, later) in zip(levels[1:], itertools.pairwise(pruned), strict=True):
        assert later.mask.kept == round(density * later.mask.total)
        assert all(not bool((later.mask[name] & ~earlier.mask[name]).any()) for name in later.mask)


@pytest.mark.parametrize("scope", ["erk", "uniform+"])
def test_every_round_of_a_scope_has_the_layers_that_its_density_alone_would_have(tiny, scope):
    levels = [1.0, 0.5, 0.25, 0.23]
    pruned = list(LotteryTicket(scope=scope).prune(RecordingBench(tiny), levels))
    for density, (earlier, later) in zip(levels[1:], itertools.pairwise(pruned), strict=True):
        assert all(not bool((later.mask[name] & ~earlier.mask[name]).any()) for name in later.mask)
        alone = prune_least(prunable_weights(tiny), Mask.ones(tiny), density, scope)
        assert [int(own.sum()) for own in later.mask.values()] == [int(own.sum()) for own in alone.values()]


@pytest.mark.parametrize("fewer", [[1.0, 0.25], [0.25], [1.0, 0.7, 0.25], [0.4, 0.3, 0.25, 0.2]])
def test_asking_for_other_levels_leaves_the_shared_ones_alone(tiny, fewer):
    everything = [1.0, 0.7, 0.5, 0.4, 0.3, 0.25, 0.2]

    def by_density(levels):
        return dict(zip(levels, LotteryTicket().prune(RecordingBench(tiny), levels), strict=True))

    whole, part = by_density(everything), by_density(fewer)
    for density in fewer:
        assert all(torch.equal(whole[density].mask[name], part[density].mask[name]) for name in part[density].mask)
        left, right = state_of(whole[density].network), state_of(part[density].network)
        assert all(torch.equal(left[name], right[name]) for name in left)


def test_a_level_off_the_grid_is_a_side_step_from_the_round_before(tiny):
    pruned = list(LotteryTicket().prune(RecordingBench(tiny), [0.5, 0.4, 0.25]))
    half, side, quarter = (step.mask for step in pruned)
    assert side.kept == round(0.4 * side.total)
    assert all(not bool((side[name] & ~half[name]).any()) for name in side)
    assert quarter.kept == round(0.25 * quarter.total)


def test_no_round_is_trained_for_nobody(tiny):
    bench = RecordingBench(tiny)
    list(LotteryTicket(rate=0.75).prune(bench, [1.0, 0.25]))
    assert len(bench.asked) == 2


@pytest.mark.parametrize("retrain", ["finetune", "rewind-rate", "rewind-weights"])
def test_a_round_starts_where_retrain_says_and_at_its_rate(make_bench, retrain):
    bench = make_bench()
    initial, dense = bench.network(), bench.dense()
    schedule = bench.schedule.finetuning() if retrain == "finetune" else bench.schedule

    def pruned(trained, mask, density):
        return prune_least(weight_scores("magnitude-increase", trained, initial, mask), mask, density, "layer")

    def again(trained, mask, round):
        return bench.train(initial if retrain == "rewind-weights" else trained, mask, round, schedule=schedule)

    half = pruned(dense, Mask.ones(initial), 0.5)
    first = again(dense, half, 1)
    side = pruned(first, half, 0.4)
    quarter = pruned(first, half, 0.25)
    expected = [dense, first, again(first, side, 2), again(first, quarter, 2)]
    found = list(LotteryTicket(retrain=retrain).prune(bench, [1.0, 0.5, 0.4, 0.25]))
    for one, other in zip(found, expected, strict=True):
        assert digest(state_of(one.network)) == digest(state_of(other))
    assert [one.mask.kept for one in found[1:]] == [half.kept, side.kept, quarter.kept]


def test_only_what_is_yielded_is_recalibrated(make_bench):
    """Later rounds go on from the trained networks, with the statistics of their training."""
    bench, levels = make_bench(), [1.0, 0.5, 0.25]
    plain = list(LotteryTicket(retrain="rewind-rate").prune(bench, levels))
    found = list(LotteryTicket(retrain="rewind-rate", recalibrate=True).prune(bench, levels))
    assert [digest(state_of(one.network)) for one in (plain[0], found[0])] == [digest(state_of(bench.dense()))] * 2
    for one, other in zip(found[1:], plain[1:], strict=True):
        fresh = recalibrated(copy_of(other.network), bench.batches(512))
        assert digest(state_of(one.network)) == digest(fresh) != digest(state_of(other.network))


def test_there_is_nothing_to_recalibrate_without_batch_norm():
    assert "no batch norm" in LotteryTicket(recalibrate=True).skip(released_alexnet())
    assert LotteryTicket().skip(released_alexnet()) is None
