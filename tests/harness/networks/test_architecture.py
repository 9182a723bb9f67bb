import pytest
import torch
import torch.nn.functional as F
from torch import nn

from harness.networks.architecture import Architecture, positive_scores
from harness.networks.factories import build, initialise


def seeded(factory, seed=0):
    network = build(Architecture(factory))
    initialise(network, torch.Generator().manual_seed(seed))
    return network


def images(count=2, size=64, seed=0):
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


def test_an_architecture_is_written_as_its_name_and_its_arguments_in_order():
    assert str(Architecture("mobilenet-v1")) == "mobilenet-v1"
    assert str(Architecture("mobilenet-v1", {"width": 0.5, "a": [1, 2]})) == "mobilenet-v1[a=[1, 2],width=0.5]"


@pytest.mark.parametrize("factory", ["alexnet", "alexnet-bn"])
def test_the_head_computes_in_float32_inside_a_bfloat16_region(factory):
    network = seeded(factory)
    seen = []
    network.features.register_forward_hook(lambda _layer, _inputs, output: seen.append(output))
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        logits = network(images(4))
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16  # the region itself stays as it was
    assert seen[0].dtype == torch.bfloat16
    assert logits.dtype == torch.float32
    hidden = seen[0].float().mean(dim=(2, 3))
    for layer in network.head:
        if isinstance(layer, nn.Linear):
            hidden = F.linear(hidden, layer.weight, layer.bias)
        elif isinstance(layer, nn.ReLU):
            hidden = hidden.clamp(min=0)
    assert torch.equal(logits, hidden)
    assert not torch.equal(logits, logits.bfloat16().float())  # the case is one that would have been rounded


def test_the_score_is_the_positive_logit_minus_the_negative_one():
    assert positive_scores(torch.tensor([[1.0, 4.0], [2.5, -1.0]])).tolist() == [3.0, -3.5]
    assert build(Architecture("alexnet")).pooled_width == 256
