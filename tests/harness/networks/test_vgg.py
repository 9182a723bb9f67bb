import torch
import torchvision
from torch import nn

from harness.networks.architecture import Architecture
from harness.networks.factories import build, parameter_count, skeleton


def test_the_parameter_count_of_the_features_is_the_published_one():
    with torch.device("meta"):
        published = torchvision.models.vgg16_bn()
    ours = skeleton(Architecture("vgg16"))
    assert parameter_count(ours.features) == parameter_count(published.features)
    assert parameter_count(ours) == 14_724_162


def test_features_are_torchvisions_with_its_weights():
    """Same tensors in the same order, so the same numbers come out."""
    torch.manual_seed(0)
    theirs = torchvision.models.vgg16_bn()
    with torch.no_grad():
        for layer in theirs.modules():
            if isinstance(layer, nn.BatchNorm2d):  # away from the identity
                layer.running_mean.normal_(0, 0.1)
                layer.running_var.uniform_(0.5, 2)
                layer.weight.uniform_(0.5, 1.5)
    body = theirs.features
    ours = build(Architecture("vgg16")).features
    shapes = [[tuple(tensor.shape) for tensor in part.state_dict().values()] for part in (ours, body)]
    assert shapes[0] == shapes[1]
    ours.load_state_dict(dict(zip(ours.state_dict(), body.state_dict().values(), strict=True)))
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(ours.eval()(images), body.eval()(images), atol=1e-6)
