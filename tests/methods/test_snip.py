import pytest
import torch
import torch.nn.functional as F

from harness.mask import prunable_weights
from harness.methods.snip import Snip, SnipRetrain, connection_sensitivity
from harness.networks import copy_of


@pytest.fixture
def batches(splits):
    train, _ = splits
    pixels = train.images[:20].double() / 255
    return [(pixels[:12], train.labels[:12]), (pixels[12:], train.labels[12:20])]


def summed_loss(network, batches):
    return sum(F.cross_entropy(network(images), labels.long(), reduction="sum") for images, labels in batches)


def test_sensitivity_is_the_effect_of_one_mask_entry(tiny, batches):
    """|dL/dc| at c = 1, where c multiplies one weight: central differences of that one entry, in float64."""
    network = copy_of(tiny).double().eval()
    scores = connection_sensitivity(copy_of(tiny).double(), batches)
    step = 1e-5
    for name, weight in prunable_weights(network).items():
        for index in (0, 7, weight.numel() - 1):
            original = weight.data.view(-1)[index].item()
            values = []
            for factor in (1 + step, 1 - step):
                weight.data.view(-1)[index] = original * factor
                with torch.no_grad():
                    values.append(float(summed_loss(network, batches)))
            weight.data.view(-1)[index] = original
            expected = abs(values[0] - values[1]) / (2 * step)
            assert float(scores[name].view(-1)[index]) == pytest.approx(expected, rel=1e-5, abs=1e-8)


def test_gradients_are_summed_before_the_absolute_value(tiny, batches):
    together = [(torch.cat([b[0] for b in batches]).float(), torch.cat([b[1] for b in batches]))]
    one = connection_sensitivity(copy_of(tiny), together)
    parts = connection_sensitivity(copy_of(tiny), [(images.float(), labels) for images, labels in batches])
    for name in one:
        torch.testing.assert_close(one[name], parts[name], rtol=1e-3, atol=1e-4)


def test_the_largest_sensitivities_remain_and_nothing_is_retrained(make_bench):
    bench = make_bench()
    dense, pruned = Snip(images=20).prune(bench, [1.0, 0.5])
    trained = dict(dense.network.named_parameters())
    after = dict(pruned.network.named_parameters())
    scores = connection_sensitivity(copy_of(dense.network), bench.batches(20))
    ranked = sorted(
        ((float(score), name, index) for name, values in scores.items() for index, score in enumerate(values.view(-1))),
        key=lambda item: -item[0],
    )
    kept = {(name, index) for _, name, index in ranked[: sum(int(mask.sum()) for mask in pruned.mask.values())]}
    assert kept == {(name, int(i)) for name, mask in pruned.mask.items() for i in mask.view(-1).nonzero()}
    for name, weights in after.items():
        expected = trained[name].masked_fill(~pruned.mask[name], 0.0) if name in pruned.mask else trained[name]
        assert torch.equal(weights, expected)


def test_each_level_is_what_it_is_alone(make_bench):
    bench = make_bench()
    both = list(Snip(images=20).prune(bench, [0.5, 0.3]))
    alone = [next(iter(Snip(images=20).prune(bench, [density]))) for density in (0.5, 0.3)]
    for left, right in zip(both, alone, strict=True):
        assert all(torch.equal(left.mask[name], right.mask[name]) for name in left.mask)


def same(left, right):
    left, right = dict(left.named_parameters()), dict(right.named_parameters())
    return all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize("retrain", ["finetune", "rewind"])
def test_with_training_snips_mask_is_trained_from_the_trained_weights_or_from_w0(make_bench, retrain):
    bench = make_bench()
    (plain,) = Snip(images=20).prune(bench, [0.5])
    (pruned,) = SnipRetrain(images=20, retrain=retrain).prune(bench, [0.5])
    assert all(torch.equal(plain.mask[name], pruned.mask[name]) for name in plain.mask)
    starts = {"finetune": bench.dense(), "rewind": bench.network()}
    assert same(pruned.network, bench.train(starts.pop(retrain), pruned.mask, round=1))
    (other,) = starts.values()
    assert not same(pruned.network, bench.train(other, pruned.mask, round=1))
    assert not same(pruned.network, plain.network)


def test_snip_with_training_goes_on_from_the_trained_weights_by_default():
    assert SnipRetrain().retrain == "finetune"
    assert Snip().retrain == "none"
