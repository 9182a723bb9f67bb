"""MobileNet V1 against its published parameter count and a plain computation of the paper's Table 1."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from harness.networks.architecture import Architecture
from harness.networks.depthwise import Depthwise
from harness.networks.factories import build, initialise, parameter_count, skeleton, state_of

# Howard et al. 2017, Table 1: (stride of the depthwise layer, output channels of the pointwise one).
TABLE = [
    (1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512),
    (1, 512), (1, 512), (1, 512), (1, 512), (1, 512), (2, 1024), (1, 1024),
]  # fmt: skip


def mobilenet(width=1.0):
    return Architecture("mobilenet-v1", {"width": width})


def counted(width, classes):
    """Return the parameters, layer by layer: kernels, two a channel for each norm, and the classifier."""

    def scaled(channels):
        return max(int(channels * width), 8)

    channels = scaled(32)
    total = 3 * 9 * channels + 2 * channels
    for _, full in TABLE:
        total += 9 * channels + 2 * channels + channels * scaled(full) + 2 * scaled(full)
        channels = scaled(full)
    return total + channels * classes + classes


def test_the_count_is_the_published_one_with_1000_classes():
    features = parameter_count(build(mobilenet()).features)
    assert features + 1024 * 1000 + 1000 == 4_231_976
    assert counted(1.0, 1000) == 4_231_976


@pytest.mark.parametrize("width", [1.0, 0.75, 0.5, 0.25, 0.1015625, 0.001, 1.5])
def test_every_width_has_the_parameters_of_its_layers(width):
    assert parameter_count(skeleton(mobilenet(width))) == counted(width, 2)


def test_the_output_is_the_tables_computation():
    network = build(mobilenet(0.25))
    initialise(network, torch.Generator().manual_seed(3))
    draws = torch.Generator().manual_seed(4)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.bias.data, module.running_mean):
                tensor.add_(0.3 * torch.randn(tensor.shape, generator=draws))
            module.running_var.add_(0.5 * torch.rand(module.running_var.shape, generator=draws))
    network.double()
    state = state_of(network)
    images = torch.randn(2, 3, 64, 64, generator=draws, dtype=torch.float64)

    def normed(hidden, name):
        mean, variance, scale, shift = (
            state[f"{name}.norm.{part}"].view(1, -1, 1, 1) for part in ("running_mean", "running_var", "weight", "bias")
        )
        return ((hidden - mean) / (variance + 1e-5).sqrt() * scale + shift).clamp(min=0)

    hidden = normed(F.conv2d(images, state["features.block0.conv.weight"], stride=2, padding=1), "features.block0")
    sizes = [hidden.shape[-1]]
    for index, (stride, _) in enumerate(TABLE, start=1):
        name = f"features.block{index}"
        kernels = state[f"{name}.depthwise.conv.weight"]
        each = [
            F.conv2d(hidden[:, [channel]], kernels[[channel]], stride=stride, padding=1)
            for channel in range(hidden.shape[1])
        ]
        hidden = normed(torch.cat(each, dim=1), f"{name}.depthwise")
        mixed = torch.einsum("oi,nihw->nohw", state[f"{name}.pointwise.conv.weight"][:, :, 0, 0], hidden)
        hidden = normed(mixed, f"{name}.pointwise")
        sizes.append(hidden.shape[-1])
    expected = F.linear(hidden.mean((2, 3)), state["head.1.weight"], state["head.1.bias"])
    assert sizes == [32, 32, 16, 16, 8, 8, 4, 4, 4, 4, 4, 4, 2, 2]
    with torch.no_grad():
        torch.testing.assert_close(network(images), expected, rtol=1e-9, atol=1e-9)


def test_depthwise_layers_stay_in_float32_where_the_others_do_not():
    network = build(mobilenet(0.25))
    initialise(network, torch.Generator().manual_seed(3))
    kinds = {}
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda _layer, _inputs, output, name=name: kinds.update({name: output.dtype}))
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        network(torch.randn(1, 3, 64, 64))
    depthwise = {name for name, module in network.named_modules() if isinstance(module, Depthwise)}
    assert len(depthwise) == 13
    assert {kinds[name] for name in depthwise} == {torch.float32}
    assert {kind for name, kind in kinds.items() if name not in depthwise} == {torch.bfloat16}
