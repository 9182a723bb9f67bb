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


def trainings_of(bench, mask):
    """What is left under ``mask``: of W0 and trained, of the trained network and trained on, and as it is."""
    masked = bench.dense()
    mask.apply_(masked)
    return {
        "rewind-weights": bench.train(bench.network(), mask, round=1),
        "rewind-rate": bench.train(masked, mask, round=1),
        "none": masked,
    }


@pytest.mark.parametrize("retrain", ["none", "rewind-rate", "rewind-weights"])
def test_of_the_trained_network_what_is_left_is_trained_as_asked(make_bench, same_bits, retrain):
    bench = make_bench()
    (pruned,) = Random(start="trained", retrain=retrain).prune(bench, [0.5])
    (of_w0,) = masks(make_bench(), [0.5])
    assert same_bits(pruned.mask, of_w0)  # the draws do not look at the network
    expected = trainings_of(bench, pruned.mask)
    assert same_bits(pruned.network, expected.pop(retrain))
    assert not same_bits(pruned.network, expected["none" if retrain != "none" else "rewind-rate"])


def test_of_w0_it_is_trained_from_there_and_in_no_other_way(make_bench):
    assert Random() == Random(start="W0", retrain="rewind-weights")
    for retrain in ("none", "finetune", "rewind-rate"):
        with pytest.raises(ValueError, match="what is pruned at W0 is always trained from there"):
            Random(retrain=retrain)
    assert [Random(**variant) for variant in Random.variants] == [
        Random(),
        Random(start="trained", retrain="rewind-rate"),
    ]


def test_the_network_is_trained_from_w0_under_the_mask(make_bench):
    bench = make_bench()
    (pruned,) = Random().prune(bench, [0.5])
    expected = bench.train(bench.network(), pruned.mask, round=1)
    left, right = state_of(pruned.network), state_of(expected)
    assert all(torch.equal(left[name], right[name]) for name in left)
    assert not torch.equal(left["features.conv1.weight"], state_of(bench.network())["features.conv1.weight"])
