import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from harness.methods.beta_rank import BetaRank, beta_ranks, spread_scores
from harness.networks.factories import build, initialise
from harness.networks.registered import built_in
from harness.sparsity.surgery import channel_groups
from harness.testing.narrowed import narrowed

PUBLISHED = built_in()


def narrow(factory, seed=0):
    """The factory's network with an eighth of its channels and drawn weights."""
    network = build(narrowed(factory, 1 / 8))
    initialise(network, torch.Generator().manual_seed(seed))
    return network


def batches_of(sizes, channels=3, size=64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [(torch.randn(count, channels, size, size, generator=generator), torch.zeros(count)) for count in sizes]


def convolution(**geometry):
    layer = nn.Conv2d(2, 3, **geometry)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        layer.weight.normal_(generator=generator)
        layer.bias.normal_(generator=generator)
    return nn.Sequential(layer)


def sd(values):
    mean = sum(values) / len(values)
    return (sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5


def by_loops(layer, images):
    """Each filter's mean over kernel entries of sum_uv |f| a / b, position by position, in plain Python."""
    (rows, columns), (down, across) = layer.kernel_size, layer.stride
    padded = F.pad(images, (layer.padding[1],) * 2 + (layer.padding[0],) * 2)
    scores = []
    for kernel, bias in zip(layer.weight.detach(), layer.bias.detach(), strict=True):
        entries = [0.0] * kernel.numel()
        for u in range((padded.shape[2] - rows) // down + 1):
            for v in range((padded.shape[3] - columns) // across + 1):
                windows = padded[:, :, u * down : u * down + rows, v * across : v * across + columns]
                outputs = [float((window * kernel).sum() + bias) for window in windows]
                spread = sd(windows.flatten().tolist())
                for index, weight in enumerate(kernel.flatten().tolist()):
                    entries[index] += abs(weight) * (sd(outputs) / spread if spread else 0.0)
        scores.append(sum(entries) / len(entries))
    return torch.tensor(scores, dtype=torch.float64)


@pytest.mark.parametrize(
    "geometry",
    [
        {"kernel_size": 3},
        {"kernel_size": 3, "padding": 1},
        {"kernel_size": 3, "stride": 2, "padding": 1},
        {"kernel_size": (3, 2), "stride": (1, 3), "padding": (2, 0)},
    ],
)
def test_a_score_is_what_loops_over_filters_positions_and_images_give(geometry):
    network = convolution(**geometry)
    parts = batches_of([5, 2], channels=2, size=7)
    expected = by_loops(network[0], torch.cat([images for images, _ in parts]))
    torch.testing.assert_close(spread_scores(network, ["0"], parts)["0"], expected, rtol=1e-5, atol=0)


def test_windows_that_never_vary_count_as_nothing():
    network = convolution(kernel_size=2)
    (images, labels), *_ = batches_of([6], channels=2, size=6)
    images[:, :, :, 3:] = 0.0
    expected = by_loops(network[0], images)
    torch.testing.assert_close(spread_scores(network, ["0"], [(images, labels)])["0"], expected, rtol=1e-5, atol=0)
    images[:, :, :, :] = 0.7
    assert spread_scores(network, ["0"], [(images, labels)])["0"].tolist() == [0, 0, 0]


@pytest.mark.parametrize("settings", [{"groups": 2}, {"padding": 1, "padding_mode": "reflect"}])
def test_other_convolutions_are_refused_by_name(settings):
    layer = nn.Sequential(nn.Conv2d(2, 4, 3, **settings))
    with pytest.raises(ValueError, match="0 is no convolution of all its input channels"):
        spread_scores(layer, ["0"], batches_of([2], channels=2))


def by_patches(layer, inputs):
    """The score from every window copied out, and from the layer's own output anew."""
    outputs = layer(inputs).double()
    patches = F.unfold(inputs.double(), layer.kernel_size, layer.dilation, layer.padding, layer.stride)
    spread = patches.std(dim=(0, 1), correction=0)
    ratio = torch.where(spread > 1e-9, outputs.flatten(2).std(dim=0, correction=0) / spread, 0.0)
    return layer.weight.double().abs().mean(dim=(1, 2, 3)) * ratio.sum(dim=1)


@pytest.mark.parametrize("factory", PUBLISHED)
def test_channels_have_the_mean_of_their_makers_scores_scaled_within_each(factory):
    network, parts = narrow(factory), batches_of([3, 2], seed=2)
    scores = beta_ranks(copy.deepcopy(network), parts)
    groups = channel_groups(network)
    assert scores.keys() == {group.name for group in groups}
    inputs = {}
    for name in [name for group in groups for name in group.makers]:
        layer = network.get_submodule(name)
        layer.register_forward_pre_hook(lambda _, arguments, name=name: inputs.update({name: arguments[0].clone()}))
    with torch.no_grad():
        network(torch.cat([images for images, _ in parts]))
        for group in groups:
            scaled = []
            for name in group.makers:
                own = by_patches(network.get_submodule(name), inputs[name])
                scaled.append((own - own.min()) / (own.max() - own.min()))
            torch.testing.assert_close(scores[group.name], sum(scaled) / len(scaled), rtol=1e-4, atol=1e-4)


def test_filters_that_are_all_alike_score_zero():
    network = narrow("small-cnn")
    with torch.no_grad():
        network.features.conv1.weight[:] = network.features.conv1.weight[0].clone()
    assert not beta_ranks(network, batches_of([4]))["features.conv1"].any()


def test_labels_have_no_say():
    (images, labels), *_ = batches_of([4])
    left, right = (beta_ranks(narrow("small-cnn"), [(images, values)]) for values in (labels, 1 - labels))
    assert all(torch.equal(left[name], right[name]) for name in left)


def test_the_highest_scores_of_each_layer_remain(make_bench):
    bench = make_bench(initial=narrow("small-cnn"))
    dense = bench.dense()
    (pruned,) = BetaRank(images=20, retrain="none").prune(bench, [0.4])
    scores = beta_ranks(dense, bench.batches(20))
    conv1, conv2 = dense.features.conv1.weight, dense.features.conv2.weight
    first, second = pruned.network.features.conv1.weight, pruned.network.features.conv2.weight
    kept = sorted(sorted(range(4), key=lambda index: -scores["features.conv1"][index])[: len(first)])
    across = sorted(sorted(range(8), key=lambda index: -scores["features.conv2"][index])[: len(second)])
    assert torch.equal(first, conv1[kept])
    assert torch.equal(second, conv2[across][:, kept])
    assert 0 < len(kept) < 4
    assert pruned.mask is None
