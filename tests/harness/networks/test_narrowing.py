import pytest
import torch
from torch import nn

from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise, skeleton
from harness.networks.narrowing import differing_shapes, narrow_
from harness.storage.canonical import digest
from harness.testing.narrowed import narrowed, widths_of


def test_the_layers_say_what_their_tensors_have():
    network = nn.ModuleDict(
        {
            "conv": nn.Conv2d(8, 6, 3),
            "depthwise": nn.Conv2d(6, 6, 3, groups=6),
            "norm": nn.BatchNorm2d(6),
            "linear": nn.Linear(6, 4),
            "prelu": nn.PReLU(6),
            "layernorm": nn.LayerNorm(4),
        }
    )
    shapes = {
        "conv.weight": [5, 7, 3, 3],
        "conv.bias": [5],
        "depthwise.weight": [5, 1, 3, 3],
        "depthwise.bias": [5],
        **{f"norm.{name}": [5] for name in ("weight", "bias", "running_mean", "running_var")},
        "linear.weight": [3, 5],
        "linear.bias": [3],
        "prelu.weight": [5],
        "layernorm.weight": [3],
        "layernorm.bias": [3],
    }
    narrow_(network, shapes)
    assert {name: list(tensor.shape) for name, tensor in network.state_dict().items() if tensor.dim()} == shapes
    assert (network["conv"].in_channels, network["conv"].out_channels, network["conv"].groups) == (7, 5, 1)
    assert (network["depthwise"].in_channels, network["depthwise"].groups) == (5, 5)
    assert (network["linear"].in_features, network["linear"].out_features) == (5, 3)
    assert network["norm"].num_features == network["prelu"].num_parameters == 5
    assert network["layernorm"].normalized_shape == (3,)
    images = network["prelu"](network["norm"](network["depthwise"](network["conv"](torch.rand(2, 7, 8, 8)))))
    assert network["layernorm"](network["linear"](images.mean((2, 3)))).shape == (2, 3)
    assert all(isinstance(parameter, nn.Parameter) for parameter in network["conv"].parameters())


@pytest.mark.parametrize(
    ("shapes", "why"),
    [
        ({"features.conv9.weight": [1, 1, 1, 1]}, "which the network does not have"),
        ({"features.conv1.wait": [1]}, "which the network does not have"),
        ({"features.conv1.weight": [4]}, "is none that"),
        ({"features.conv1.weight": [0, 3, 3, 3]}, "is none that"),
    ],
)
def test_shapes_that_no_tensor_can_have_are_refused(shapes, why):
    with pytest.raises(ValueError, match=why):
        skeleton(Architecture("small-cnn", {}, shapes))


def test_a_narrowed_architecture_says_so_and_is_another_key_and_the_whole_one_is_the_old_one():
    narrow = narrowed("small-cnn", [4, 6, 8, 8])
    assert widths_of(skeleton(narrow)) == [4, 6, 8, 8]
    assert str(narrow) == "small-cnn, narrowed"
    assert digest(narrow) != digest(Architecture("small-cnn"))
    assert digest(Architecture("small-cnn", {}, {})) == digest({"factory": "small-cnn", "arguments": {}})
    network = build(narrow)
    initialise(network, torch.Generator().manual_seed(0))
    assert differing_shapes(network.state_dict(), skeleton(Architecture("small-cnn")).state_dict()) == narrow.shapes
