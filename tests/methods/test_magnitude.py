import torch

from harness.mask import prunable_weights
from harness.methods.magnitude import Magnitude
from harness.networks import state_of


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
