from dataclasses import dataclass

import pytest
import torch

from harness.errors import UsageError
from harness.methods.layerwise import MagnitudeLayerwise, RandomLayerwise
from harness.methods.lt import LotteryTicket
from harness.methods.magnitude import Magnitude
from harness.methods.random import Random
from harness.methods.snip import Snip
from harness.planning.pruners import build_pruner
from harness.pruning.pruned_network import PrunedNetwork
from harness.pruning.pruner import Pruner
from harness.sparsity.mask import Mask, prunable_weights
from harness.sparsity.ranking import keep_largest

pytestmark = pytest.mark.slow

SNIP = Snip(images=20)


@dataclass(frozen=True, kw_only=True)
class Unequal(Pruner):
    """Trains nothing, and keeps twice the share in the first layer: the first weights of each."""

    source = "test"
    level_order = "independent"

    def prune(self, bench, densities):
        network = bench.network()
        for density in densities:
            scores = {name: -torch.arange(w.numel()).view(w.shape) for name, w in prunable_weights(network).items()}
            shares = zip(scores.items(), (2 * density, density), strict=True)
            kept = {name: int(share * score.numel()) for (name, score), share in shares}
            yield PrunedNetwork(network, keep_largest(scores, Mask.ones(network), kept))


METHODS = {"snip": SNIP, "lt": LotteryTicket(), "magnitude": Magnitude(), "unequal": Unequal()}
LEVELS = [0.6, 0.35]


@pytest.fixture
def bench_with(make_bench):
    """Return a function that makes a bench which knows the other methods by name."""
    return lambda **changes: make_bench(lend=METHODS.__getitem__, **changes)


def counts(mask):
    return {name: sum(tensor.flatten().tolist()) for name, tensor in mask.items()}


def masks(method, bench):
    return [pruned.mask for pruned in method.prune(bench, LEVELS)]


@pytest.mark.parametrize("kind", [RandomLayerwise, MagnitudeLayerwise])
@pytest.mark.parametrize("of", ["snip", "lt", "magnitude"])
def test_every_layer_keeps_as_many_weights_as_the_other_method_leaves_there(bench_with, kind, of):
    bench = bench_with()
    levels = [1.0, *LEVELS] if of == "lt" else LEVELS
    others = [pruned.mask for pruned in METHODS[of].prune(bench_with(method=of), levels)][-len(LEVELS) :]
    found = masks(kind(of=of), bench)
    assert [counts(mask) for mask in found] == [counts(mask) for mask in others]
    assert [mask.kept for mask in found] == [round(density * found[0].total) for density in LEVELS]


def test_layers_of_another_method_are_not_all_alike(bench_with):
    """What the tests above compare would be the same for any method that prunes all layers alike."""
    (found, _), (plain, _) = masks(RandomLayerwise(), bench_with()), masks(Random(), bench_with())
    assert counts(found) != counts(plain)


def test_the_largest_weights_of_each_layer_remain(bench_with):
    bench = bench_with()
    weights = prunable_weights(bench.dense())
    for mask in masks(MagnitudeLayerwise(), bench):
        for name, tensor in mask.items():
            sizes = [abs(float(value)) for value in weights[name].detach().flatten()]
            ranked = sorted(range(len(sizes)), key=lambda index: -sizes[index])
            assert set(ranked[: counts(mask)[name]]) == set(tensor.flatten().nonzero().flatten().tolist())


def drawn(bench, density=0.4):
    return RandomLayerwise(of="unequal").mask(bench, bench.network(), density)


def test_random_weights_remain_by_seed_and_the_same_draw_serves_all_levels(bench_with):
    name = "features.conv2.weight"
    first = drawn(bench_with(seed=1))
    assert torch.equal(first[name], drawn(bench_with(seed=1))[name])
    assert not torch.equal(first[name], drawn(bench_with(seed=2))[name])
    smaller = drawn(bench_with(seed=1), 0.2)
    assert all(bool((smaller[name] <= first[name]).all()) for name in first)


def test_random_weights_are_uniform_within_each_layer(bench_with):
    """Over many seeds each weight of a layer remains about equally often: binomial, five standard deviations."""
    draws = 100
    found = [drawn(bench_with(seed=seed)) for seed in range(draws)]
    for name, share in (("features.conv1.weight", 0.8), ("features.conv2.weight", 0.4)):
        total = sum(mask[name].double() for mask in found)
        kept = int(share * total.numel())
        assert {int(mask[name].sum()) for mask in found} == {kept}
        spread = (share * (1 - share) * draws) ** 0.5
        assert float((total - kept / total.numel() * draws).abs().max()) < 5 * spread
        assert float(total.std()) > 0.7 * spread


def same(left, right):
    right = dict(right.named_parameters())
    return all(torch.equal(value, right[name]) for name, value in left.named_parameters())


def test_random_weights_are_trained_from_w0_and_the_largest_from_where_they_are(bench_with):
    bench = bench_with()
    (random,) = RandomLayerwise().prune(bench, [0.5])
    assert same(random.network, bench.train(bench.network(), random.mask, round=1))
    (largest,) = MagnitudeLayerwise().prune(bench, [0.5])
    assert same(largest.network, bench.train(bench.dense(), largest.mask, round=1))
    assert not same(largest.network, bench.train(bench.network(), largest.mask, round=1))


@pytest.mark.parametrize("kind", [RandomLayerwise, MagnitudeLayerwise])
@pytest.mark.parametrize(
    ("of", "reason"),
    [
        ("", "should match pattern"),
        ("lt[of=lt[rate=0.5]]", "should match pattern"),
        ("lt,snip", "should match pattern"),
        ("*", "should match pattern"),
    ],
)
def test_of_is_one_method_with_or_without_parameters(kind, of, reason, monkeypatch):
    monkeypatch.setattr("harness.planning.pruners.pruner_class", lambda _: kind)
    assert build_pruner("this", {"of": "lt"}).borrows_from == ("lt",)
    assert build_pruner("this", {"of": "snip[images=64,scope=layer]"}).of == "snip[images=64,scope=layer]"
    with pytest.raises(UsageError, match=reason):
        build_pruner("this", {"of": of})


@pytest.mark.parametrize("kind", [RandomLayerwise, MagnitudeLayerwise])
def test_a_scope_that_would_change_nothing_is_refused(kind, monkeypatch):
    monkeypatch.setattr("harness.planning.pruners.pruner_class", lambda _: kind)
    assert build_pruner("this", {"scope": "layer"}).scope == "layer"
    with pytest.raises(UsageError, match="scope"):
        build_pruner("this", {"scope": "global"})
