import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise, parameter_count


def seeded(factory, seed=0):
    network = build(Architecture(factory))
    initialise(network, torch.Generator().manual_seed(seed))
    return network


def images(count=2, size=64, seed=0):
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("factory", "count"), [("alexnet", 2_471_842), ("alexnet-bn", 2_472_514)])
def test_parameter_counts_are_exact(factory, count):
    network = build(Architecture(factory))
    assert parameter_count(network) == count
    assert sum(tensor.numel() for name, tensor in network.named_parameters()) == count


def test_the_papers_network_splits_into_weights_biases_and_features_as_computed():
    parameters = dict(build(Architecture("alexnet")).named_parameters())
    weights = sum(tensor.numel() for name, tensor in parameters.items() if name.endswith("weight"))
    assert weights == 2_470_672
    assert sum(tensor.numel() for name, tensor in parameters.items() if name.startswith("features.")) == 2_469_696
    head = [tuple(tensor.shape) for name, tensor in parameters.items() if name.startswith("head.")]
    assert head == [(8, 256), (8,), (8, 8), (8,), (2, 8), (2,)]


@pytest.fixture(scope="module")
def torchvisions():
    """Torchvision's AlexNet features, seeded; its 59 million other parameters are never allocated."""
    with torch.device("meta"):
        whole = torchvision.models.alexnet()
    features = whole.features.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in features.parameters():
            parameter.normal_(0, 0.05, generator=generator)
    return features.eval()


def test_features_are_torchvisions_layer_by_layer(torchvisions):
    ours = build(Architecture("alexnet")).features
    theirs = [layer for layer in torchvisions if not isinstance(layer, nn.Dropout)]
    assert [type(layer) for layer in ours] == [type(layer) for layer in theirs]
    for our, their in zip(ours, theirs, strict=True):
        for setting in ("kernel_size", "stride", "padding", "dilation", "in_channels", "out_channels", "groups"):
            assert _pair(getattr(our, setting, None)) == _pair(getattr(their, setting, None))


def _pair(value):
    return (value, value) if isinstance(value, int) else value


def test_features_give_torchvisions_output_with_its_weights(torchvisions):
    network = build(Architecture("alexnet"))
    network.features.load_state_dict(
        dict(zip(network.features.state_dict(), torchvisions.state_dict().values(), strict=True))
    )
    with torch.no_grad():
        expected = torchvisions(images())
        assert torch.equal(network.features(images()), expected)
        assert torch.allclose(network.pooled(images()), F.adaptive_avg_pool2d(expected, 1).flatten(1), atol=1e-6)


def test_batch_norm_stands_between_convolution_and_relu():
    layers = [
        type(layer) for layer in build(Architecture("alexnet-bn")).features if not isinstance(layer, nn.MaxPool2d)
    ]
    assert layers == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU] * 5


def test_63_pixels_is_the_smallest_image():
    network = seeded("alexnet")
    with torch.no_grad():
        assert network(images(3, 63)).shape == (3, 2)
        with pytest.raises(RuntimeError, match="too small"):
            network(images(3, 62))
