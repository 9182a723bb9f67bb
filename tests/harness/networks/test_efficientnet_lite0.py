"""EfficientNet-Lite0 against its published parameter count and a plain computation of the table of its blocks."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from harness.downloads.imagenet import imagenet_file
from harness.initial.weights_file import features_from_file
from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise, parameter_count, state_of
from harness.sparsity.surgery import channel_groups, without_channels

LITE0 = Architecture("efficientnet-lite0")

# Tan & Le 2019, Table 1, block by block: kernel, stride, expansion, channels; whether the input is added to the output.
TABLE = [
    (3, 1, 1, 16, False),
    (3, 2, 6, 24, False), (3, 1, 6, 24, True),
    (5, 2, 6, 40, False), (5, 1, 6, 40, True),
    (3, 2, 6, 80, False), (3, 1, 6, 80, True), (3, 1, 6, 80, True),
    (5, 1, 6, 112, False), (5, 1, 6, 112, True), (5, 1, 6, 112, True),
    (5, 2, 6, 192, False), (5, 1, 6, 192, True), (5, 1, 6, 192, True), (5, 1, 6, 192, True),
    (3, 1, 6, 320, False),
]  # fmt: skip


def test_the_count_is_the_published_one_with_1000_classes():
    assert parameter_count(build(LITE0).features) + 1280 * 1000 + 1000 == 4_652_008


def same(images, weight, stride, groups=1):
    """Convolve as TensorFlow's SAME does: the output has ceil(side / stride) pixels, odd pads go right and below."""
    side, kernel = images.shape[-1], weight.shape[-1]
    pad = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    before, after = pad // 2, pad - pad // 2
    return F.conv2d(F.pad(images, (before, after, before, after)), weight, stride=stride, groups=groups)


def by_the_table(state, images):
    """Return the pooled features, computed from tensors in the order in which they come."""
    tensors = iter([tensor for name, tensor in state.items() if "num_batches" not in name])

    def normed(images, stride=1, groups=1, *, activated=True):
        images = same(images, next(tensors), stride, groups)
        weight, bias, mean, variance = (next(tensors)[:, None, None] for _ in range(4))
        images = (images - mean) / (variance + 1e-3).sqrt() * weight + bias
        return images.clamp(0, 6) if activated else images

    images = normed(images, 2)
    for _, stride, expansion, _, adds in TABLE:
        inner = normed(images) if expansion > 1 else images
        inner = normed(inner, stride, groups=inner.shape[1])
        inner = normed(inner, activated=False)
        images = inner + images if adds else inner
    return normed(images).mean(dim=(2, 3))


@pytest.fixture(scope="module")
def drawn():
    network = build(LITE0)
    initialise(network, torch.Generator().manual_seed(3))
    draws = torch.Generator().manual_seed(4)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.bias.data, module.running_mean):
                tensor.add_(0.3 * torch.randn(tensor.shape, generator=draws))
            module.running_var.add_(0.5 * torch.rand(module.running_var.shape, generator=draws))
    return network.double()


@pytest.mark.parametrize("size", [64, 96, 128])
def test_the_output_is_the_tables_computation(drawn, size):
    images = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    with torch.no_grad():
        assert torch.allclose(drawn.pooled(images), by_the_table(state_of(drawn), images), rtol=1e-9, atol=1e-9)


def test_the_packages_imagenet_weights_are_its_tensors_and_their_features_tell_stripes_from_a_plain_ground():
    path = imagenet_file(build(LITE0).imagenet, fetch=False, reporter=None)
    features = features_from_file(path, LITE0)
    theirs = [tensor for name, tensor in torch.load(path, weights_only=True).items() if not name.startswith("_fc")]
    assert len(features) == len(theirs)
    assert all(torch.equal(ours, other) for ours, other in zip(features.values(), theirs, strict=True))
    network = build(LITE0)
    network.load_state_dict(features, strict=False)
    images = torch.zeros(2, 3, 64, 64)
    images[1, :, ::8] = 2.0
    with torch.no_grad():
        pooled = network.pooled(images)
    assert bool(torch.isfinite(pooled).all())
    assert float((pooled[0] - pooled[1]).abs().max()) > 0.5


def test_channels_that_shortcuts_sum_are_cut_together_and_the_rest_computes_on(drawn):
    groups = {group.name: group for group in channel_groups(drawn)}
    shared = groups["features.block9.project.conv"]
    assert shared.makers == tuple(f"features.block{index}.project.conv" for index in (9, 10, 11))
    keep = torch.arange(shared.channels) % 3 > 0
    network = without_channels(drawn, {shared.name: keep})
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    zeroed = {name: tensor.clone() for name, tensor in state_of(drawn).items()}
    for index in (9, 10, 11):
        for part in ("weight", "bias"):
            zeroed[f"features.block{index}.project.norm.{part}"][~keep] = 0
        zeroed[f"features.block{index}.project.norm.running_mean"][~keep] = 0
    with torch.no_grad():
        assert torch.allclose(network.pooled(images), by_the_table(zeroed, images), rtol=1e-9, atol=1e-9)
