"""A bench whose W0 was trained elsewhere: it is the dense network as it is, and what is pruned trains on from it."""

import math
from dataclasses import replace

import pytest
import torch

from harness import plugins
from harness.planning.entries import entry_of
from harness.planning.pruners import borrowed, pruner_class, why_skipped
from harness.pruning.meter import Meter
from harness.sparsity.mask import Mask, prunable_weights
from harness.sparsity.ranking import prune_least
from harness.storage.store import Store

SKIPPED = {"mobilenet": "random start", "scratch": "not trained from scratch"}
CHANGE = {"criterion": "magnitude-increase"}


@pytest.fixture
def bench(make_bench):
    """Return a function that makes the bench of an entry: name, then its parameters."""

    def make(name="test", meter=None, **parameters):
        entry = None if name == "test" else entry_of(name, parameters)
        loss = entry.loss.name if entry else "plain"
        return make_bench(loss, method=name, lend=borrowed, meter=meter, trained=True)

    return make


def half(network):
    return prune_least({name: w.abs() for name, w in prunable_weights(network).items()}, Mask.ones(network), 0.5)


def test_the_dense_network_is_w0_in_every_bit_and_takes_nothing(bench, tiny, same_bits, tmp_path):
    meter = Meter()
    dense = bench(meter=meter).dense()
    assert same_bits(dense, tiny)
    assert dense is not tiny
    assert (meter.steps, meter.seconds, meter.kept_step, meter.untrained) == (0, 0, None, False)
    assert list(Store(tmp_path / "store").folders()) == []


def test_an_empty_mask_is_none_and_any_loss_leaves_it(bench, make_bench, tiny, same_bits):
    assert same_bits(bench().train(tiny, Mask.ones(tiny), round=0), tiny)
    assert same_bits(make_bench("black", trained=True).dense(), tiny)


def test_all_else_is_trained_as_on_any_bench(bench, make_bench, tiny, same_bits, schedule):
    mine, usual = bench(), make_bench()
    other = usual.train(tiny, round=1)
    mask = half(tiny)
    for how in (
        {"network": tiny, "mask": mask, "round": 0},
        {"network": tiny, "round": 1},
        {"network": tiny, "schedule": replace(schedule, learning_rate=0.01)},
        {"network": tiny, "epochs": (0, 1)},
        {"network": other, "round": 0},
    ):
        found = mine.train(**how)
        assert same_bits(found, usual.train(**how))
        assert not same_bits(found, how["network"])


def test_elsewhere_a_bench_trains_w0(make_bench, tiny, same_bits):
    assert not same_bits(make_bench().dense(), tiny)


def networks(bench, name, parameters, density=0.4):
    pruner = entry_of(name, parameters).pruner()
    made, wanted = bench(name, **parameters), [1.0, density]
    calls = [[density] for density in wanted] if pruner.level_order == "independent" else [wanted]
    return [one for asked in calls for one in pruner.prune(made, asked)]


def built_in():
    """Return every method of the harness's own and its variants, by magnitude where --trained says so."""
    own = [name for name, plugin in plugins.available(plugins.PRUNERS).items() if plugin.is_ours]
    for name in own:
        fields = pruner_class(name).__dataclass_fields__
        common = {"criterion": "magnitude"} if "criterion" in fields else {}
        yield from ((name, {**common, **variant}) for variant in pruner_class(name).variants)
    yield "lt", CHANGE


@pytest.mark.slow
@pytest.mark.parametrize(("name", "parameters"), [*built_in()], ids=str)
def test_every_method_runs_from_it_or_says_why_not(bench, tiny, same_bits, name, parameters):
    sentence = why_skipped(entry_of(name, parameters).pruner(), tiny, trained=True)
    due = "scores what training changed of W0" if parameters == CHANGE else SKIPPED.get(name)
    if due:
        assert due in sentence
        return
    assert sentence is None
    dense, pruned = networks(bench, name, parameters)
    assert same_bits(dense.network, tiny)
    assert not same_bits(pruned.network, tiny)
    assert all(bool(torch.isfinite(weights).all()) for weights in pruned.network.parameters())


def test_what_a_method_borrows_from_must_apply_too(tiny):
    written = entry_of("random-layerwise", {"of": "lt"}).pruner()
    assert why_skipped(written, tiny, trained=True).startswith("lt, which it borrows from: criterion=")
    assert why_skipped(written, tiny) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("snip", {"start": "W0"}), ("snip-retrain", {})),
        (("random", {}), ("random", {"start": "trained", "retrain": "rewind-rate"})),
        (("magnitude", {"retrain": "rewind-weights"}), ("magnitude", {})),
    ],
    ids=str,
)
def test_what_docs_call_the_same_is_the_same(bench, same_bits, first, second):
    (_, one), (_, other) = networks(bench, *first), networks(bench, *second)
    assert same_bits(one.network, other.network)


@pytest.mark.slow
def test_rounds_of_the_ticket_prune_the_smallest_weights_and_go_back_to_w0(bench, make_bench, tiny, same_bits):
    """Two rounds of a half each, by definition: rank in each layer, keep the upper half, train from W0."""
    _, found = networks(bench, "lt", {"criterion": "magnitude", "rate": 0.5}, 0.5)
    counts = {name: weight.numel() for name, weight in prunable_weights(tiny).items()}
    total = sum(parameter.numel() for parameter in tiny.parameters())
    left = total / 2 - (total - sum(counts.values()))  # of the prunable weights, alike in every layer
    for name, weight in prunable_weights(tiny).items():
        kept = weight.abs()[found.mask[name]].min()
        assert math.isclose(int(found.mask[name].sum()), counts[name] * left / sum(counts.values()), abs_tol=1)
        assert bool((weight.abs()[~found.mask[name]] <= kept).all())
    assert same_bits(found.network, make_bench("plain", method="lt").train(tiny, found.mask, round=1))
