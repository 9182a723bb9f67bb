"""Torchvision's classifiers as networks: what they give is what torchvision's own gives; and who is refused."""

import subprocess
import sys
from importlib.metadata import version

import pytest
import torch
import torchvision
from torch import nn

from harness.errors import MachineError, UsageError
from harness.networks import torchvision_classifier
from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise, parameter_count, skeleton, state_of
from harness.networks.registered import HELD_TO, TORCHVISION, factory_of
from harness.networks.torchvision_classifier import classifier
from harness.storage.network_code import network_code


def those(*in_ci):
    """The eight networks, of which all but ``in_ci`` are for the long suite."""
    return pytest.mark.parametrize(
        "name", [pytest.param(n, marks=[] if n in in_ci else pytest.mark.long) for n in HELD_TO]
    )


def drawn(name):
    network = build(Architecture(f"{TORCHVISION}{name}"))
    initialise(network, torch.Generator().manual_seed(0))
    return network


@those("mobilenet_v3_small", "convnext_tiny")
def test_the_network_is_torchvisions_with_two_outputs(name):
    network = drawn(name)
    own = torchvision.models.get_model(name, weights=None, num_classes=2)
    ours = {key.removeprefix("features."): tensor for key, tensor in network.state_dict().items()}
    heads = [key for key in own.state_dict() if key not in ours]
    last = [tensor for key, tensor in ours.items() if key.startswith("head.")]
    kept = {key: tensor for key, tensor in ours.items() if not key.startswith("head.")}
    own.load_state_dict(kept | dict(zip(heads, last, strict=True)))
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected, found = own.eval()(images), network(images)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert parameter_count(network) == parameter_count(own)
    assert network.architecture == Architecture(f"{TORCHVISION}{name}")


@those("mobilenet_v3_small")
def test_the_head_is_computed_in_float32_whatever_the_features_are(name):
    network = drawn(name)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
        assert network.pooled(images).dtype == network(images).dtype == torch.float32
    assert network.pooled(images).shape == (2, network.pooled_width)


@those("mobilenet_v3_small")
def test_every_tensor_is_drawn_or_what_the_constructor_gives(name):
    network = drawn(name)
    with torch.no_grad():
        for tensor in network.state_dict().values():
            tensor.fill_(torch.nan if tensor.is_floating_point() else 7)
    before = torch.get_rng_state()
    initialise(network, torch.Generator().manual_seed(0))
    assert torch.equal(torch.get_rng_state(), before)
    again = drawn(name)
    for key, tensor in state_of(network).items():
        assert bool(torch.isfinite(tensor).all()), key
        assert torch.equal(tensor, again.state_dict()[key]), key
        if key.endswith("layer_scale"):
            assert bool((tensor == 1e-6).all())
        if key.endswith("num_batches_tracked"):
            assert int(tensor) == 0


@pytest.mark.parametrize("name", HELD_TO)
def test_imagenet_weights_are_those_that_torchvision_names(name):
    weights = factory_of(f"{TORCHVISION}{name}").imagenet
    assert weights.startswith(TORCHVISION)
    enum = getattr(torchvision.models, weights.removeprefix(TORCHVISION))
    assert enum.IMAGENET1K_V1.url.endswith(".pth")
    assert enum is torchvision.models.get_model_weights(name)


def test_depthwise_convolutions_are_computed_in_float32():
    network, types = drawn("mobilenet_v2"), set()
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(lambda layer, _, output: types.add((layer.groups > 1, output.dtype)))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        network(torch.rand(1, 3, 32, 32))
    assert types == {(True, torch.float32), (False, torch.bfloat16)}


def test_pooling_to_one_pixel_is_a_mean_whose_gradient_is_deterministic_everywhere():
    """Unlike the backward of other adaptive pooling, which torch's documentation calls nondeterministic on CUDA."""
    images = torch.rand(1, 2, 4, 4, requires_grad=True)
    assert "MeanBackward" in type(nn.functional.adaptive_avg_pool2d(images, 1).grad_fn).__name__


REFUSED = {
    "resnet19": r"torchvision's 'resnet19' is unknown \(did you mean 'resnet1",
    "fcn_resnet50": r"torchvision's 'fcn_resnet50' is no classifier of images",
    "ssd300_vgg16": r"no classifier of images",
    "r3d_18": r"no classifier of images",
    "quantized_resnet18": r"no classifier of images",
    "": r"torchvision's '' is unknown",
    "googlenet": r"googlenet cannot be used here: it has auxiliary outputs",
    "inception_v3": r"inception_v3 cannot be used here: it has auxiliary outputs",
    "vgg11": r"vgg11 cannot be used here: its head reads a map, not its mean",
    "squeezenet1_1": r"squeezenet1_1 cannot be used here: its last layer is not a linear one",
    "vit_b_32": r"vit_b_32 cannot be used here: its head is none of fc, classifier, head",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_in_one_sentence(name):
    with pytest.raises(UsageError, match=REFUSED[name]) as caught:
        skeleton(Architecture(f"{TORCHVISION}{name}"))
    assert caught.value.exit_code == 2


def test_a_missing_torchvision_is_the_machines_fault(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    torchvision_classifier.classifier.cache_clear()
    with pytest.raises(MachineError, match="torchvision, which has the network, cannot be used"):
        classifier("resnet18")


def test_its_version_is_a_part_of_the_key():
    assert network_code(Architecture("torchvision:resnet18")) == [f"torchvision {version('torchvision')}"]


def test_torchvision_is_not_imported_before_it_is_named():
    code = "import sys; import harness.networks.torchvision_classifier; print('torchvision' in sys.modules)"
    ran = subprocess.run([sys.executable, "-P", "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout.split() == ["False"]
