import pytest
import torch
import torch.nn.functional as F

from harness.losses.class_dependent import ClassDependentLoss
from harness.methods.snip import Snip, SnipRetrain, connection_sensitivity
from harness.networks.factories import copy_of
from harness.planning.entries import entry_of
from harness.sparsity.mask import Mask, prunable_weights
from harness.sparsity.ranking import prune_least
from harness.storage.store import Store

GREEN = ClassDependentLoss(10.0, 5.0)


@pytest.fixture
def batches(splits):
    train, _ = splits
    pixels = train.images[:20].double() / 255
    return [(pixels[:12], train.labels[:12]), (pixels[12:], train.labels[12:20])]


def plain(logits, labels):
    return F.cross_entropy(logits, labels.long())


def summed_loss(network, batches, loss=plain):
    return sum(len(labels) * loss(network(images), labels) for images, labels in batches)


@pytest.mark.parametrize("loss", [None, GREEN], ids=["plain", "green"])
def test_sensitivity_is_the_effect_of_one_mask_entry(tiny, batches, loss):
    """|dL/dc| at c = 1, where c multiplies one weight: central differences of that one entry, in float64."""
    network = copy_of(tiny).double().eval()
    scores = connection_sensitivity(copy_of(tiny).double(), batches, loss)
    step = 1e-5
    for name, weight in prunable_weights(network).items():
        for index in (0, 7, weight.numel() - 1):
            original = weight.data.view(-1)[index].item()
            values = []
            for factor in (1 + step, 1 - step):
                weight.data.view(-1)[index] = original * factor
                with torch.no_grad():
                    values.append(float(summed_loss(network, batches, loss or plain)))
            weight.data.view(-1)[index] = original
            expected = abs(values[0] - values[1]) / (2 * step)
            assert float(scores[name].view(-1)[index]) == pytest.approx(expected, rel=1e-5, abs=1e-8)


def mask_gradients(network, batches, loss=plain):
    """Return dL/dc at c = 1 by autograd, c a mask of real numbers that multiplies every prunable weight."""
    network = copy_of(network).double().eval()
    weights = {name: weight.detach() for name, weight in prunable_weights(network).items()}
    entries = {name: torch.ones_like(weight, requires_grad=True) for name, weight in weights.items()}
    total = sum(
        len(labels)
        * loss(torch.func.functional_call(network, {n: entries[n] * weights[n] for n in weights}, (images,)), labels)
        for images, labels in batches
    )
    return dict(zip(entries, torch.autograd.grad(total, list(entries.values())), strict=True))


@pytest.mark.parametrize("loss", [None, GREEN], ids=["plain", "green"])
def test_sensitivity_is_the_gradient_of_a_mask(tiny, batches, loss):
    scores = connection_sensitivity(copy_of(tiny).double(), batches, loss)
    expected = mask_gradients(tiny, batches, loss or plain)
    assert list(scores) == list(expected)
    for name, gradient in expected.items():
        torch.testing.assert_close(scores[name], gradient.abs(), rtol=1e-10, atol=1e-12)


def test_of_each_batch_is_the_sum_of_the_batches_absolute_gradients(tiny, batches):
    scores = connection_sensitivity(copy_of(tiny).double(), batches, None, True)
    parts = [mask_gradients(tiny, [batch]) for batch in batches]
    summed = connection_sensitivity(copy_of(tiny).double(), batches)
    for name, values in scores.items():
        torch.testing.assert_close(values, sum(part[name].abs() for part in parts), rtol=1e-10, atol=1e-12)
        assert bool((values >= summed[name] * (1 - 1e-9)).all())
        assert not torch.allclose(values, summed[name])


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
        (
            (float(score), name, index)
            for name, values in scores.items()
            for index, score in enumerate(values.reshape(-1))
        ),
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


@pytest.mark.parametrize("retrain", ["rewind-rate", "rewind-weights"])
def test_with_training_snips_mask_is_trained_from_the_trained_weights_or_from_w0(make_bench, retrain):
    bench = make_bench()
    (plain,) = Snip(images=20).prune(bench, [0.5])
    (pruned,) = SnipRetrain(images=20, retrain=retrain).prune(bench, [0.5])
    assert all(torch.equal(plain.mask[name], pruned.mask[name]) for name in plain.mask)
    starts = {"rewind-rate": bench.dense(), "rewind-weights": bench.network()}
    assert same(pruned.network, bench.train(starts.pop(retrain), pruned.mask, round=1))
    (other,) = starts.values()
    assert not same(pruned.network, bench.train(other, pruned.mask, round=1))
    assert not same(pruned.network, plain.network)


def test_snip_with_training_goes_on_from_the_trained_weights_by_default():
    assert SnipRetrain().retrain == "rewind-rate"
    assert Snip().retrain == "none"


# Which loss is scored


def same_masks(left, right):
    return all(torch.equal(left[name], right[name]) for name in left)


def test_a_loss_that_the_entry_trains_with_makes_snip_class_dependent(make_bench):
    bench = make_bench("green")
    for scoring_loss, loss in (("plain", None), ("training", GREEN)):
        (pruned,) = Snip(images=20, scoring_loss=scoring_loss).prune(bench, [0.3])
        dense = bench.dense()
        scores = connection_sensitivity(copy_of(dense), bench.batches(20), loss)
        assert same_masks(pruned.mask, prune_least(scores, Mask.ones(dense), 0.3, "global"))
    by_loss = [next(Snip(images=20, scoring_loss=one).prune(bench, [0.3])).mask for one in ("plain", "training")]
    assert not same_masks(*by_loss)


def test_the_loss_scored_is_that_of_the_rounds_after_pruning(make_bench):
    """Black's dense round weighs positives by 1, its later ones by 5."""
    bench = make_bench("black")
    scores = Snip(images=20, scoring_loss="training").saliency(bench, bench.dense())
    later, first = (
        connection_sensitivity(bench.dense(), bench.batches(20), ClassDependentLoss(gamma, 5.0)) for gamma in (5.0, 1.0)
    )
    for name in scores:
        assert torch.equal(scores[name], later[name])
        assert not torch.equal(scores[name], first[name])


def test_under_the_plain_loss_both_scores_choose_the_same_weights(make_bench):
    bench = make_bench()
    usual, training = (
        Snip(images=20, scoring_loss=one).saliency(bench, bench.dense()) for one in ("plain", "training")
    )
    for name in usual:
        torch.testing.assert_close(usual[name], training[name], rtol=1e-3, atol=1e-6)


# The order of Lee et al.


def test_at_w0_it_scores_w0_and_trains_once_from_there(make_bench, tmp_path):
    bench = make_bench("green")
    (pruned,) = Snip(images=20, start="W0").prune(bench, [0.5])
    assert [kind for _, kind in Store(tmp_path / "store").folders()].count("train") == 1  # no dense network either
    untrained = bench.network()
    gradients = mask_gradients(untrained, [(images.double(), labels) for images, labels in bench.batches(20)])
    ranked = sorted(
        (
            (-abs(float(value)), name, index)
            for name, values in gradients.items()
            for index, value in enumerate(values.reshape(-1))
        ),
    )
    kept = {(name, index) for _, name, index in ranked[: sum(int(mask.sum()) for mask in pruned.mask.values())]}
    assert kept == {(name, int(i)) for name, mask in pruned.mask.items() for i in mask.view(-1).nonzero()}
    assert same(pruned.network, bench.train(untrained, pruned.mask, round=1))
    (usual,) = Snip(images=20).prune(bench, [0.5])
    assert not same_masks(usual.mask, pruned.mask)


def test_the_settings_are_parameters_of_an_entry():
    written = {"start": "W0", "scoring_loss": "training", "gradients": "per-batch"}
    assert entry_of("snip", written).text == "snip[gradients=per-batch,scoring_loss=training,start=W0]"
    assert entry_of("snip-retrain", written).pruner() == SnipRetrain(
        start="W0", scoring_loss="training", gradients="per-batch"
    )


@pytest.mark.parametrize("name", ["focal", "class-balanced", "logit-adjusted", "ldam", "ldam-drw"])
def test_under_every_loss_of_a_mean_of_images_batches_add_up_to_the_gradient_of_all(make_bench, name):
    """SNIP sums batches: a loss that is no mean over images would be another one for other batches."""
    bench = make_bench(name)
    network, batches, loss = bench.network(), bench.batches(40), bench.loss(1)
    scores = connection_sensitivity(copy_of(network), [(images[:7], labels[:7]) for images, labels in batches], loss)
    halves = [(images[part], labels[part]) for images, labels in batches for part in (slice(0, 3), slice(3, 7))]
    again = connection_sensitivity(copy_of(network), halves, loss)
    weights = prunable_weights(network.eval())
    images, labels = batches[0][0][:7], batches[0][1][:7]
    value = sum(loss(network(images[i : i + 1]), labels[i : i + 1]) for i in range(7))
    gradients = torch.autograd.grad(value, list(weights.values()))
    for (weight_name, weight), gradient in zip(weights.items(), gradients, strict=True):
        expected = (weight.detach() * gradient).abs().double()
        torch.testing.assert_close(scores[weight_name], expected, rtol=1e-3, atol=1e-7)
        torch.testing.assert_close(again[weight_name], expected, rtol=1e-3, atol=1e-7)
