"""What follows one-shot pruning, written out by hand for a mask method, a channel method and L-OBS."""

from dataclasses import dataclass, replace

import pytest
import torch
from torch import nn

from harness.methods.l_obs import LayerwiseOptimalBrainSurgeon, all_multipliers, compensate, saliencies
from harness.methods.layer_hessians import inverse_hessians
from harness.networks import registered
from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build, copy_of, initialise, state_of
from harness.pruning.meter import Meter
from harness.pruning.one_shot import Retrain
from harness.pruning.pruned_network import PrunedNetwork
from harness.pruning.recalibrating import IMAGES
from harness.pruning.templates import ChannelPruner, SaliencyPruner
from harness.sparsity.mask import Mask, prunable_weights
from harness.sparsity.ranking import prune_least
from harness.sparsity.surgery import channel_groups
from harness.storage.store import Store
from harness.testing.narrowed import narrowed, widths_of
from harness.training.schedule import Schedule

pytestmark = pytest.mark.slow

SCHEDULE = Schedule(
    epochs=2,
    batch_size=12,
    learning_rate=0.05,
    warmup=0.25,
    decay="cosine",
    clip=2.0,
    dropout=0.2,
    precision="float32",
    device="cpu",
)
STEPS = 8
RETRAIN = ("none", "finetune", "rewind-rate", "rewind-weights")


@dataclass(frozen=True, kw_only=True)
class BySize(SaliencyPruner):
    """Keeps the largest weights."""

    source = "test"

    def saliency(self, bench, network):
        return {name: weight.detach().abs() for name, weight in prunable_weights(network).items()}


@dataclass(frozen=True, kw_only=True)
class ByIndex(ChannelPruner):
    """Keeps the first channels of every layer."""

    source = "test"

    def channel_saliency(self, bench, network):
        return {group.name: -torch.arange(group.channels) for group in channel_groups(network)}


def by_size(usual):
    """A method that does after pruning what ``usual`` says, unless it is asked for something else."""

    @dataclass(frozen=True, kw_only=True)
    class Usually(BySize):
        retrain: Retrain = usual

    return Usually


KINDS = {"mask": BySize, "channels": ByIndex, "l-obs": LayerwiseOptimalBrainSurgeon}
DENSITY = 0.4


@pytest.fixture
def small():
    network = build(narrowed("small-cnn", [8, 12, 16, 16]))
    initialise(network, torch.Generator().manual_seed(0))
    return network


@pytest.fixture
def bench(make_bench, small):
    return make_bench("black", initial=small, schedule=SCHEDULE)


def largest(network):
    """The mask of the largest weights, by sorting all of them."""
    weights = {name: weight.detach() for name, weight in prunable_weights(network).items()}
    ones = Mask.ones(network)
    keep = round(DENSITY * ones.total) - (ones.total - sum(weight.numel() for weight in weights.values()))
    ranked = sorted((abs(value) for weight in weights.values() for value in weight.flatten().tolist()), reverse=True)
    return Mask({name: weight.abs() >= ranked[keep - 1] for name, weight in weights.items()}, ones.total)


def first_channels(network, widths):
    """``network`` with the first channels of each layer alone, tensor by tensor."""
    state, before = state_of(network), 3
    for number, width in enumerate(widths, start=1):
        state[f"features.conv{number}.weight"] = state[f"features.conv{number}.weight"][:width, :before].contiguous()
        for name in ("weight", "bias", "running_mean", "running_var"):
            state[f"features.norm{number}.{name}"] = state[f"features.norm{number}.{name}"][:width]
        before = width
    state["head.1.weight"] = state["head.1.weight"][:, :before].contiguous()
    return build(narrowed("small-cnn", widths), state)


def masked(network, mask):
    network = copy_of(network)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if name in mask:
                weight.masked_fill_(~mask[name], 0.0)
    return network


def pruned_by_hand(kind, bench, widths):
    """(what is left of the trained network, the same part of W0, mask)."""
    dense, w0 = bench.dense(), bench.network()
    if kind == "channels":
        return first_channels(dense, widths), first_channels(w0, widths), None
    if kind == "mask":
        mask = largest(dense)
        return masked(dense, mask), masked(w0, mask), mask
    inverses = inverse_hessians(copy_of(dense), bench.batches(512), 0.01)
    mask = prune_least(saliencies(dense, inverses), Mask.ones(dense), DENSITY, "layer")
    state = compensate(copy_of(dense), inverses, all_multipliers(dense, inverses), mask)
    return build(dense.architecture, state), masked(w0, mask), mask


def by_hand(kind, retrain, bench, widths):
    """(network, mask) of the training that ``retrain`` names."""
    left, left_of_w0, mask = pruned_by_hand(kind, bench, widths)
    if retrain == "none":
        return left, mask
    if retrain == "finetune":
        constant = replace(SCHEDULE, learning_rate=SCHEDULE.last_rate, warmup=0.0, decay="constant")
        assert {constant.learning_rate_at(step, STEPS) for step in range(STEPS)} == {SCHEDULE.last_rate}
        return bench.train(left, mask, round=1, schedule=constant), mask
    start = left if retrain == "rewind-rate" else left_of_w0
    return bench.train(start, mask, round=1), mask


# --- retrain


@pytest.mark.parametrize("retrain", RETRAIN)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_left_is_trained_as_retrain_says(make_bench, small, bench, same_bits, kind, retrain):
    meter = Meter()
    metered = make_bench("black", initial=small, schedule=SCHEDULE, meter=meter)
    (pruned,) = KINDS[kind](retrain=retrain).prune(metered, [DENSITY])
    widths = widths_of(pruned.network) if kind == "channels" else None
    network, mask = by_hand(kind, retrain, bench, widths)
    assert same_bits(pruned.network, network)
    assert (pruned.mask is None) is (mask is None)
    assert mask is None or same_bits(pruned.mask, mask)
    assert meter.steps == (STEPS if retrain == "none" else 2 * STEPS)
    others = [by_hand(kind, other, bench, widths)[0] for other in RETRAIN if other != retrain]
    assert not any(same_bits(pruned.network, other) for other in others)


@pytest.mark.parametrize("kind", KINDS)
def test_the_dense_level_is_the_dense_network_whatever_follows(bench, same_bits, kind):
    for choice in ({}, {"retrain": "finetune"}, {"recalibrate": True}):
        dense, _ = KINDS[kind](**choice).prune(bench, [1.0, DENSITY])
        assert same_bits(dense.network, bench.dense())
        assert dense.mask is None


@pytest.mark.parametrize("retrain", RETRAIN)
@pytest.mark.parametrize("recalibrate", [False, True])
def test_what_is_pruned_at_w0_is_trained_once_from_there(
    bench, same_bits, tmp_path, recalibrated_by_hand, retrain, recalibrate
):
    (pruned,) = by_size(retrain)(start="W0", recalibrate=recalibrate).prune(bench, [DENSITY])
    assert [kind for _, kind in Store(tmp_path / "store").folders()].count("train") == 1
    mask = largest(bench.network())
    assert same_bits(pruned.mask, mask)
    expected = bench.train(bench.network(), mask, round=1)
    if recalibrate:
        expected = recalibrated_by_hand(expected, bench)
    assert same_bits(pruned.network, expected)


def test_the_network_that_is_begun_with_is_the_trained_one_or_w0(bench, same_bits):
    assert same_bits(BySize().begun(bench), bench.dense())
    assert same_bits(BySize(start="W0").begun(bench), bench.network())
    assert same_bits(ByIndex().begun(bench), bench.dense())


@pytest.mark.parametrize("retrain", RETRAIN)
@pytest.mark.parametrize("start", ["trained", "W0"])
def test_any_network_with_its_mask_can_be_retrained(bench, same_bits, start, retrain):
    """`retrained` alone, on a mask that the method itself would not give."""
    dense = bench.dense()
    scores = {name: torch.arange(weight.numel()).view(weight.shape) for name, weight in prunable_weights(dense).items()}
    mask = prune_least(scores, Mask.ones(dense), DENSITY)
    given = masked(bench.dense(), mask)
    found = by_size(retrain)(start=start).retrained(bench, PrunedNetwork(copy_of(given), mask), DENSITY)
    if start == "W0":  # what was pruned at W0 is W0's already
        expected = bench.train(given, mask, round=1)
    elif retrain == "none":
        expected = given
    elif retrain == "rewind-weights":
        expected = bench.train(bench.network(), mask, round=1)
    else:
        schedule = SCHEDULE.finetuning() if retrain == "finetune" else SCHEDULE
        expected = bench.train(given, mask, round=1, schedule=schedule)
    assert same_bits(found.network, expected)
    assert found.mask is mask


# --- recalibrate


@pytest.fixture
def recalibrated_by_hand():
    """Return a function that gives a copy of a network with torch's running averages of factor 1, 1/2, 1/3, ..."""

    def recalibrate(network, bench):
        found = copy_of(network).eval()
        norms = [layer for layer in found.modules() if isinstance(layer, nn.BatchNorm2d)]
        for norm in norms:
            norm.train().running_mean.zero_()
            norm.running_var.fill_(1.0)
            norm.num_batches_tracked.zero_()
        for number, (images, _) in enumerate(bench.batches(IMAGES), start=1):
            for norm in norms:
                norm.momentum = 1 / number
            with torch.no_grad():
                found(images)
        return found

    return recalibrate


@pytest.mark.parametrize("retrain", RETRAIN)
@pytest.mark.parametrize("kind", KINDS)
def test_recalibrated_networks_have_the_statistics_of_the_scoring_images_and_their_weights(
    bench, same_bits, recalibrated_by_hand, kind, retrain
):
    (plain,) = KINDS[kind](retrain=retrain).prune(bench, [DENSITY])
    (found,) = KINDS[kind](retrain=retrain, recalibrate=True).prune(bench, [DENSITY])
    assert same_bits(dict(found.network.named_parameters()), dict(plain.network.named_parameters()))
    assert (found.mask is None) is (plain.mask is None)
    assert found.mask is None or same_bits(found.mask, plain.mask)
    assert same_bits(found.network, recalibrated_by_hand(plain.network, bench))
    assert not torch.allclose(found.network.features.norm1.running_mean, plain.network.features.norm1.running_mean)


def test_recalibrating_trains_nothing_and_is_one_stage(make_bench, small, tmp_path):
    def kinds():
        return [kind for _, kind in Store(tmp_path / "store").folders()]

    meter = Meter()
    bench = make_bench(initial=small, schedule=SCHEDULE, meter=meter)
    for _ in range(2):
        list(BySize(recalibrate=True).prune(bench, [1.0, DENSITY]))
        assert sorted(kinds()) == ["compute", "train"]
    assert meter.steps == meter.kept_step == STEPS


class Normless(Network):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(16, 2))


@pytest.mark.parametrize("kind", KINDS)
def test_where_there_is_no_batch_norm_recalibration_is_declined(small, monkeypatch, kind):
    monkeypatch.setitem(registered.INTERNAL, "normless", Normless)
    normless, method = build(Architecture("normless")), KINDS[kind]
    assert method(recalibrate=True).skip(small) is None
    assert method().skip(normless) is None
    assert method(recalibrate=True).skip(normless) == "it has no batch norm to recalibrate"
