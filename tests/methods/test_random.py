import pytest
import torch

from harness.methods.random import Random
from harness.networks.factories import state_of

pytestmark = pytest.mark.slow


def masks(bench, densities, **parameters):
    return [pruned.mask for pruned in Random(**parameters).prune(bench, densities)]


def test_density_is_the_same_in_every_layer_and_exact_overall(make_bench):
    (mask,) = masks(make_bench(), [0.5])
    assert mask.kept == round(0.5 * mask.total)
    shares = [float(tensor.float().mean()) for tensor in mask.values()]
    assert max(shares) - min(shares) < 0.01


def test_masks_are_uniform_and_independent_of_the_weights(make_bench):
    """Over many seeds each weight remains about equally often: binomial, five standard deviations."""
    draws = 60
    counts = sum(masks(make_bench(seed=seed), [0.5])[0]["features.conv1.weight"].double() for seed in range(draws))
    share = float(counts.mean()) / draws
    spread = (share * (1 - share) * draws) ** 0.5
    assert float((counts - share * draws).abs().max()) < 5 * spread
    assert float(counts.std()) > 0.7 * spread


def test_seeds_and_method_names_decide_the_mask(make_bench):
    name = "features.conv2.weight"
    first = masks(make_bench(seed=1), [0.5])[0][name]
    assert torch.equal(first, masks(make_bench(seed=1), [0.5])[0][name])
    assert not torch.equal(first, masks(make_bench(seed=2), [0.5])[0][name])


def test_the_network_is_trained_from_w0_under_the_mask(make_bench):
    bench = make_bench()
    (pruned,) = Random().prune(bench, [0.5])
    expected = bench.train(bench.network(), pruned.mask, round=1)
    left, right = state_of(pruned.network), state_of(expected)
    assert all(torch.equal(left[name], right[name]) for name in left)
    assert not torch.equal(left["features.conv1.weight"], state_of(bench.network())["features.conv1.weight"])
