import copy
import math
from statistics import mean, variance

import pytest
import torch

from harness.methods.cdc import ClassDiscriminativeChannels, discrimination, responses, separation
from harness.networks.factories import build, initialise
from harness.networks.registered import built_in
from harness.sparsity.surgery import channel_groups
from harness.testing.narrowed import narrowed

CRITERIA = ("t", "snr", "fisher", "divergence")
PUBLISHED = built_in()


def narrow(factory, seed=0):
    """The factory's network with an eighth of its channels and drawn weights."""
    network = build(narrowed(factory, 1 / 8))
    initialise(network, torch.Generator().manual_seed(seed))
    return network


def batches_of(sizes, size=64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [
        (torch.randn(count, 3, size, size, generator=generator), (torch.arange(count) % 2).to(torch.uint8))
        for count in sizes
    ]


def in_plain_python(statistic, positives, negatives):
    up, down = mean(positives), mean(negatives)
    wide, narrow_ = variance(positives), variance(negatives)
    if statistic == "t":
        return abs(up - down) / math.sqrt(wide / len(positives) + narrow_ / len(negatives))
    if statistic == "snr":
        return abs(up - down) / (math.sqrt(wide) + math.sqrt(narrow_))
    if statistic == "fisher":
        return (up - down) ** 2 / (wide + narrow_)
    both = wide / narrow_ + narrow_ / wide
    return both / 2 - 1 + (up - down) ** 2 * (1 / wide + 1 / narrow_) / 2


def draws(images=13, channels=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(images, channels, generator=generator, dtype=torch.float64) * 2 + 3
    positive = torch.arange(images) % 3 == 0
    values[positive] *= 0.4
    return values, positive


@pytest.mark.parametrize("statistic", CRITERIA)
def test_a_statistic_is_what_plain_python_gives(statistic):
    values, positive = draws()
    found = separation(values, positive, statistic)
    for channel in range(2):
        rows = list(zip(values[:, channel].tolist(), positive.tolist(), strict=True))
        expected = in_plain_python(statistic, [v for v, p in rows if p], [v for v, p in rows if not p])
        assert float(found[channel]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("statistic", CRITERIA)
def test_a_statistic_knows_no_sign_scale_or_offset_of_the_response(statistic):
    values, positive = draws()
    found = separation(values, positive, statistic)
    torch.testing.assert_close(separation(1000 - 7 * values, positive, statistic), found)
    torch.testing.assert_close(separation(values, ~positive, statistic), found)


@pytest.mark.parametrize("statistic", CRITERIA)
@pytest.mark.parametrize("response", [0.0, 0.1, -1e6])
def test_a_channel_that_never_varies_scores_nothing(statistic, response):
    values, positive = draws()
    values[:, 0] = response
    found = separation(values, positive, statistic)
    assert float(found[0]) == 0
    assert float(found[1]) > 0


@pytest.mark.parametrize("statistic", CRITERIA)
def test_two_values_that_name_the_class_score_high_and_finite(statistic):
    values, positive = draws()
    values[:, 0] = torch.where(positive, 5.0, 2.0)
    found = separation(values, positive, statistic)
    assert bool(torch.isfinite(found).all())
    assert float(found[0]) > 100 * float(found[1])


def test_a_class_needs_two_images():
    values, positive = draws()
    positive[:] = False
    positive[3] = True
    with pytest.raises(ValueError, match="two images of each class, there are 1 and 12"):
        separation(values, positive, "fisher")


def spatial_mean(maps):
    return maps.double().mean(dim=(2, 3))


def test_a_response_is_what_the_next_convolution_receives():
    network, parts = narrow("alexnet-bn"), batches_of([3, 2])
    found = responses(copy.deepcopy(network), parts)
    with torch.no_grad():
        maps = torch.cat([images for images, _ in parts])
        for name, layer in network.features.named_children():
            if name in ("conv2", "conv3", "conv4", "conv5"):
                before = f"features.conv{int(name[-1]) - 1}"
                torch.testing.assert_close(found[before], spatial_mean(maps), rtol=1e-5, atol=1e-6)
            maps = layer(maps.clone())
        torch.testing.assert_close(found["features.conv5"], spatial_mean(maps), rtol=1e-5, atol=1e-6)


def test_a_residual_groups_response_is_the_finished_sum():
    network, parts = narrow("resnet18"), batches_of([3])
    found = responses(copy.deepcopy(network), parts)
    seen = {}
    for name, layer in network.features.named_children():
        layer.register_forward_hook(lambda _, __, output, name=name: seen.update({name: output.clone()}))
    with torch.no_grad():
        network(parts[0][0])
        block = network.features.block3_2
        inner = torch.relu(block.norm1(block.conv1(seen["block3_1"])))
    finished = {
        "features.conv": "block1_2",
        "features.block2_1.conv2": "block2_2",
        "features.block3_1.conv2": "block3_2",
        "features.block4_1.conv2": "block4_2",
    }
    for name, last in finished.items():
        torch.testing.assert_close(found[name], spatial_mean(seen[last]), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found["features.block3_2.conv1"], spatial_mean(inner), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("factory", PUBLISHED)
def test_every_network_has_a_finite_score_for_every_channel(factory):
    network = narrow(factory)
    for statistic in CRITERIA:
        scores = discrimination(network, batches_of([4, 2]), statistic)
        for group in channel_groups(network):
            assert scores[group.name].shape == (group.channels,)
            assert bool(torch.isfinite(scores[group.name]).all())
            assert bool((scores[group.name] >= 0).all())
            assert bool((scores[group.name] > 0).any())


def test_responses_and_labels_of_all_batches_belong_together():
    network = narrow("small-cnn")
    parts = batches_of([5, 3])
    (images, labels) = (torch.cat([part[index] for part in parts]) for index in (0, 1))
    together = discrimination(network, [(images, labels)], "t")
    torch.testing.assert_close(discrimination(network, parts, "t"), together, rtol=1e-4, atol=1e-6)
    wrong = discrimination(network, [(images, labels.flip(0))], "t")
    assert not torch.allclose(wrong["features.conv4"], together["features.conv4"])


def test_the_channels_that_tell_the_classes_apart_remain(make_bench):
    bench = make_bench(initial=narrow("small-cnn"))
    dense = bench.dense()
    (pruned,) = ClassDiscriminativeChannels(statistic="snr", retrain="none").prune(bench, [0.4])
    values = responses(dense, bench.batches(48))["features.conv1"]
    positive = torch.cat([labels for _, labels in bench.batches(48)]) > 0
    assert int(positive.sum()) == 16  # all positives of the training split, though 2,048 images were asked for
    scores = [
        in_plain_python("snr", values[positive, channel].tolist(), values[~positive, channel].tolist())
        for channel in range(4)
    ]
    left = pruned.network.features.conv1.weight
    kept = sorted(sorted(range(4), key=lambda channel: -scores[channel])[: len(left)])
    assert 0 < len(kept) < 4
    assert torch.equal(left, dense.features.conv1.weight[kept])
