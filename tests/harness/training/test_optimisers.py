"""The optimisers by the formulas of their papers, step by step in float64."""

import pytest
import torch
from torch import nn

from harness.training.optimisers import moments_of, optimiser_of, restore_moments, set_rate, start_moments
from harness.training.schedule import Schedule


def layer():
    torch.manual_seed(3)
    return nn.Linear(5, 4).double()


def gradients(module, step):
    draws = torch.Generator().manual_seed(step)
    for parameter in module.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=draws, dtype=parameter.dtype)


def test_adamw_is_algorithm_2_of_loshchilov_and_hutter_with_decay_on_matrices_alone():
    module, schedule = layer(), Schedule(optimiser="adamw", weight_decay=0.1)
    optimiser = optimiser_of(module, schedule)
    by_hand = {name: parameter.detach().clone() for name, parameter in module.named_parameters()}
    first = {name: torch.zeros_like(value) for name, value in by_hand.items()}
    second = {name: torch.zeros_like(value) for name, value in by_hand.items()}
    for step, rate in enumerate((0.01, 0.02, 0.005), start=1):
        gradients(module, step)
        for name, parameter in module.named_parameters():
            gradient = parameter.grad
            first[name] = 0.9 * first[name] + 0.1 * gradient
            second[name] = 0.999 * second[name] + 0.001 * gradient**2
            direction = (first[name] / (1 - 0.9**step)) / ((second[name] / (1 - 0.999**step)).sqrt() + 1e-8)
            decay = 0.1 if name == "weight" else 0.0
            by_hand[name] = by_hand[name] - rate * (direction + decay * by_hand[name])
        set_rate(optimiser, rate)
        optimiser.step()
        for name, parameter in module.named_parameters():
            assert torch.allclose(parameter, by_hand[name], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_a_pruned_weight_stays_exactly_zero_under_weight_decay(name):
    module = layer()
    mask = torch.arange(20).view(4, 5) % 2 == 0
    with torch.no_grad():
        module.weight.mul_(mask)
    optimiser = optimiser_of(module, Schedule(optimiser=name, weight_decay=0.1))
    for step in range(5):
        gradients(module, step)
        module.weight.grad.mul_(mask)
        optimiser.step()
        assert bool((module.weight[~mask] == 0).all())
        assert bool((module.weight[mask] != 0).all())


@pytest.mark.parametrize("name", ["sgd", "adamw"])
@pytest.mark.parametrize("before", [0, 3])
def test_moments_that_were_kept_go_on_bit_for_bit(name, before):
    schedule = Schedule(optimiser=name, weight_decay=0.01)
    through, stopped = layer(), layer()
    optimisers = {module: optimiser_of(module, schedule) for module in (through, stopped)}
    for step in range(before):
        for module, optimiser in optimisers.items():
            gradients(module, step)
            optimiser.step()
    kept = moments_of(optimisers[stopped], stopped.parameters())
    resumed = layer()
    resumed.load_state_dict(stopped.state_dict())
    again = optimiser_of(resumed, schedule)
    restore_moments(again, resumed.parameters(), kept)
    for step in range(before, before + 3):
        for module, optimiser in ((through, optimisers[through]), (resumed, again)):
            gradients(module, step)
            optimiser.step()
    for left, right in zip(through.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(left, right)


@pytest.mark.parametrize("changes", [{}, {"momentum": 0.0}, {"weight_decay": 0.0}, {"optimiser": "adamw"}])
def test_moments_that_start_at_zero_are_those_of_the_first_step(changes):
    schedule = Schedule(**{"weight_decay": 0.01, **changes})
    usual, zero = layer(), layer()
    optimisers = {module: optimiser_of(module, schedule) for module in (usual, zero)}
    start_moments(optimisers[zero])
    started = moments_of(optimisers[zero], zero.parameters())
    assert not any(bool(value.any()) for state in started for value in state.values())
    for step in range(3):
        for module, optimiser in optimisers.items():
            gradients(module, step)
            optimiser.step()
        for left, right in zip(usual.parameters(), zero.parameters(), strict=True):
            assert torch.equal(left, right)
    left, right = (moments_of(optimisers[module], module.parameters()) for module in (usual, zero))
    assert [sorted(state) for state in left] == [sorted(state) for state in right]
    assert all(torch.equal(one[name], other[name]) for one, other in zip(left, right, strict=True) for name in one)


def test_starting_moments_leaves_those_that_are():
    module = layer()
    optimiser = optimiser_of(module, Schedule())
    gradients(module, 0)
    optimiser.step()
    before = [{name: value.clone() for name, value in state.items()} for state in optimiser.state.values()]
    start_moments(optimiser)
    after = [*optimiser.state.values()]
    assert all(torch.equal(one[name], other[name]) for one, other in zip(before, after, strict=True) for name in one)


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_a_rate_in_a_tensor_is_the_same_number(name):
    """As on a CUDA device, where it is of float32: 2^-5 is one in either type."""
    schedule = Schedule(optimiser=name, weight_decay=0.01)
    usual, told = layer(), layer()
    optimisers = {module: optimiser_of(module, schedule) for module in (usual, told)}
    held = torch.zeros(())
    for group in optimisers[told].param_groups:
        group["lr"] = held
    for step, rate in enumerate((2**-5, 2**-7)):
        for module, optimiser in optimisers.items():
            gradients(module, step)
            set_rate(optimiser, rate)
            optimiser.step()
        assert all(group["lr"] is held for group in optimisers[told].param_groups)
        for left, right in zip(usual.parameters(), told.parameters(), strict=True):
            assert torch.equal(left, right)
