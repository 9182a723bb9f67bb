import pytest
import torch

from harness.methods.magnitude import Magnitude, lamp_score
from harness.networks.factories import state_of
from harness.sparsity.mask import Mask, prunable_weights
from harness.sparsity.ranking import prune_least


def test_the_largest_weights_of_all_layers_remain(make_bench):
    bench = make_bench()
    dense, pruned = Magnitude().prune(bench, [1.0, 0.4])
    ranked = sorted(
        (
            (abs(float(value)), name, index)
            for name, weight in prunable_weights(dense.network).items()
            for index, value in enumerate(weight.detach().view(-1))
        ),
        key=lambda item: -item[0],
    )
    removed = pruned.mask.total - round(0.4 * pruned.mask.total)
    kept = {(name, index) for _, name, index in ranked[: len(ranked) - removed]}
    assert kept == {(name, int(i)) for name, mask in pruned.mask.items() for i in mask.view(-1).nonzero()}


def same(left, right):
    left, right = state_of(left), state_of(right)
    return all(torch.equal(left[name], right[name]) for name in left)


def test_what_remains_is_trained_on_from_the_trained_weights(make_bench):
    bench = make_bench()
    dense, pruned = Magnitude().prune(bench, [1.0, 0.4])
    assert same(pruned.network, bench.train(dense.network, pruned.mask, round=1))
    assert not same(pruned.network, bench.train(bench.network(), pruned.mask, round=1))


def test_by_layer_every_layer_keeps_its_share(make_bench):
    (pruned,) = Magnitude(scope="layer").prune(make_bench(), [0.4])
    shares = [float(mask.float().mean()) for mask in pruned.mask.values()]
    assert max(shares) - min(shares) < 0.01


@pytest.mark.parametrize("scope", ["erk", "uniform+"])
def test_the_small_first_layer_stays_whole_in_the_scopes_that_spare_it(make_bench, scope):
    """Of 216 and 1,152 weights 800 stay. Dimensions sum to 17 and 30: 800 * 17 / 47 = 289 is more than there are."""
    unprunable = 8 + 16 + 16 + 32 + 34
    density = (800 + unprunable) / (1368 + unprunable)
    (pruned,) = Magnitude(scope=scope).prune(make_bench(), [density])
    assert tuple(int(mask.sum()) for mask in pruned.mask.values()) == (216, 584)
    (even,) = Magnitude(scope="layer").prune(make_bench(), [density])
    assert int(next(iter(even.mask.values())).sum()) == 126


def test_lamp_is_each_square_over_those_from_it_upwards():
    weights = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    weights[0, 0] = weights[2, 3] = 0.5  # a tie: the later one is the lower
    flat = weights.flatten().tolist()
    for index, score in enumerate(lamp_score(weights).flatten().tolist()):
        upwards = [
            other**2
            for place, other in enumerate(flat)
            if abs(other) > abs(flat[index]) or (abs(other) == abs(flat[index]) and place <= index)
        ]
        assert score == pytest.approx(flat[index] ** 2 / sum(upwards), rel=1e-12)
    assert lamp_score(weights).max() == 1


def test_lamp_of_zero_weights_is_zero():
    assert lamp_score(torch.zeros(2, 2)).tolist() == [[0, 0], [0, 0]]


def test_lamp_keeps_every_layers_largest_weight_where_magnitude_empties_a_layer(make_bench):
    bench = make_bench()
    network = bench.dense()
    with torch.no_grad():
        network.features.conv1.weight.mul_(1e-3)
    for score, left in (("magnitude", 0), ("lamp", 1)):
        scores = Magnitude(score=score).saliency(bench, network)
        mask = prune_least(scores, Mask.ones(network), 0.15, "global")
        kept = int(mask["features.conv1.weight"].sum())
        assert kept == left if left == 0 else kept >= left
