import pytest
import torch
import torchvision
from torch import nn

from harness.networks.architecture import Architecture
from harness.networks.factories import FACTORIES, build, initialise, parameter_count, skeleton
from harness.networks.widths import widths_of

NEW = ("resnet18", "small-cnn", "vgg16")


def seeded(factory, **arguments):
    network = build(Architecture(factory, arguments))
    initialise(network, torch.Generator().manual_seed(0))
    return network


@pytest.mark.parametrize(
    ("factory", "count"), [("resnet18", 11_177_538), ("vgg16", 14_724_162), ("small-cnn", 241_442)]
)
def test_parameter_counts_are_exact(factory, count):
    assert parameter_count(skeleton(Architecture(factory))) == count


def test_the_parameter_counts_are_the_published_ones_but_for_the_head():
    with torch.device("meta"):
        resnet, vgg = torchvision.models.resnet18(), torchvision.models.vgg16_bn()
    assert parameter_count(skeleton(Architecture("resnet18"))) == parameter_count(resnet) - 513_000 + 1_026
    assert parameter_count(skeleton(Architecture("vgg16")).features) == parameter_count(vgg.features)


@pytest.mark.parametrize("factory", ["resnet18", "vgg16"])
def test_features_are_torchvisions_with_its_weights(factory):
    """Same tensors in the same order, so the same numbers come out."""
    torch.manual_seed(0)
    theirs = torchvision.models.resnet18(num_classes=2) if factory == "resnet18" else torchvision.models.vgg16_bn()
    with torch.no_grad():
        for layer in theirs.modules():
            if isinstance(layer, nn.BatchNorm2d):  # away from the identity
                layer.running_mean.normal_(0, 0.1)
                layer.running_var.uniform_(0.5, 2)
                layer.weight.uniform_(0.5, 1.5)
    body = nn.Sequential(*list(theirs.children())[:-2]) if factory == "resnet18" else theirs.features
    ours = build(Architecture(factory)).features
    shapes = [[tuple(tensor.shape) for tensor in body_.state_dict().values()] for body_ in (ours, body)]
    assert shapes[0] == shapes[1]
    ours.load_state_dict(dict(zip(ours.state_dict(), body.state_dict().values(), strict=True)))
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(ours.eval()(images), body.eval()(images), atol=1e-6)


def test_the_small_network_halves_the_image_four_times():
    network = seeded("small-cnn")
    with torch.no_grad():
        assert network.features(torch.zeros(1, 3, 64, 64)).shape == (1, 128, 4, 4)


@pytest.mark.parametrize("factory", FACTORIES)
def test_every_factory_is_rebuilt_from_its_own_widths(factory):
    published = skeleton(Architecture(factory))
    again = skeleton(Architecture(factory, {"widths": widths_of(published)}))
    assert [tuple(t.shape) for t in again.state_dict().values()] == [
        tuple(t.shape) for t in published.state_dict().values()
    ]


@pytest.mark.parametrize("factory", FACTORIES)
def test_a_wrong_number_of_widths_is_refused(factory):
    count = len(widths_of(skeleton(Architecture(factory))))
    with pytest.raises(ValueError, match=f"{count + 1} widths for {count} convolutions"):
        skeleton(Architecture(factory, {"widths": [8] * (count + 1)}))


@pytest.mark.parametrize("factory", NEW)
def test_the_score_answers_to_the_image_and_every_parameter_gets_a_gradient(factory):
    network = seeded(factory)
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    logits = network(images)
    assert logits.shape == (2, 2)
    assert not torch.equal(logits[0], logits[1])
    logits.square().sum().backward()
    assert all(parameter.grad is not None and bool((parameter.grad != 0).any()) for parameter in network.parameters())
