import math

import pytest
import torch
from torch import nn

from harness.sparsity.mask import Mask, prunable_weights
from harness.sparsity.ranking import prune_least

UNPRUNABLE = 8 + 16 + 12 + 9 * 11 + 11 + 20  # biases, norms, and the 99 weights of a layer that is too small


def draw(mask, seed=0, levels=None):
    """Scores by name; ``levels`` distinct values make ties."""
    generator = torch.Generator().manual_seed(seed)
    draws = {name: torch.randn(mask[name].shape, generator=generator) for name in mask}
    return draws if levels is None else {name: (score * levels).round() for name, score in draws.items()}


def test_only_weights_of_convolutions_and_linear_layers_of_at_least_100_are_prunable(network):
    assert {name: weight.numel() for name, weight in prunable_weights(network).items()} == {
        "0.weight": 216,
        "2.weight": 400,
        "4.weight": 120,
    }
    exactly = nn.Sequential(nn.Linear(10, 10), nn.Linear(11, 9))
    assert list(prunable_weights(exactly)) == ["0.weight"]


def test_ones_prunes_nothing_and_counts_every_parameter(network):
    mask = Mask.ones(network)
    assert mask.total == 216 + 400 + 120 + UNPRUNABLE
    assert (mask.pruned, mask.kept, mask.density) == (0, mask.total, 1.0)
    assert all(tensor.dtype == torch.bool for tensor in mask.values())


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_apply_fills_with_positive_zero_and_touches_nothing_else(network, layout):
    network = network.to(memory_format=layout)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(-parameter.abs() - 0.5)  # a product with 0 would leave -0.0 everywhere
    before = {name: parameter.detach().clone() for name, parameter in network.named_parameters()}
    mask = prune_least(draw(Mask.ones(network)), Mask.ones(network), 0.4)
    mask.apply_(network)
    for name, parameter in network.named_parameters():
        remaining = mask[name] if name in mask else torch.ones(parameter.shape, dtype=torch.bool)
        assert torch.equal(parameter[remaining], before[name][remaining])
        assert bool((parameter[~remaining] == 0).all())
        assert not bool(torch.signbit(parameter[~remaining]).any())
        assert parameter.requires_grad


def test_apply_removes_non_finite_weights_too():
    network = nn.Sequential(nn.Linear(20, 10, bias=False))
    mask = prune_least({"0.weight": torch.arange(200.0).view(10, 20)}, Mask.ones(network), 0.5)
    with torch.no_grad():
        network[0].weight.view(-1)[:100] = math.nan
    mask.apply_(network)
    assert bool(torch.isfinite(network[0].weight).all())
