import pytest
import torch
from torch import nn

from harness.networks.architecture import Architecture
from harness.networks.factories import build, copy_of, initialise, state_of

FACTORIES = ("alexnet", "alexnet-bn")


def seeded(factory, seed=0):
    network = build(Architecture(factory))
    initialise(network, torch.Generator().manual_seed(seed))
    return network


def images(count=2, size=64, seed=0):
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


def same_bits(left, right):
    return left.keys() == right.keys() and all(
        left[name].dtype == right[name].dtype and torch.equal(left[name], right[name]) for name in left
    )


@pytest.mark.parametrize("factory", FACTORIES)
def test_build_from_a_state_is_bit_equal_and_independent(factory):
    network = seeded(factory)
    state = state_of(network)
    rebuilt = build(Architecture(factory), state)
    assert same_bits(state_of(rebuilt), state)
    assert rebuilt.architecture == Architecture(factory)
    assert not rebuilt.training
    with torch.no_grad():
        assert torch.equal(rebuilt(images()), network(images()))
        for tensor in rebuilt.state_dict().values():
            tensor.zero_()
    assert same_bits(state_of(network), state)  # neither the state nor the first network shares memory with it


@pytest.mark.parametrize("factory", FACTORIES)
def test_a_state_survives_safetensors_so_no_pickle_is_needed(factory):
    from safetensors.torch import load, save

    network = seeded(factory)
    assert same_bits(state_of(build(network.architecture, load(save(state_of(network))))), state_of(network))


def test_state_of_is_contiguous_and_copied():
    network = seeded("alexnet").to(memory_format=torch.channels_last)
    state = state_of(network)
    assert all(tensor.is_contiguous() and not tensor.requires_grad for tensor in state.values())
    assert same_bits(state, state_of(seeded("alexnet")))
    state["features.conv1.weight"].zero_()
    assert network.features.conv1.weight.abs().sum() > 0


def test_a_copy_has_the_tensors_but_not_the_hooks_and_is_in_evaluation_mode():
    network = seeded("alexnet-bn").train()
    network.features.norm1.running_mean.fill_(0.25)
    calls = []
    network.features.conv1.register_forward_hook(lambda *_: calls.append(1))
    other = copy_of(network)
    with torch.no_grad():
        other(images())
    assert not calls
    assert not other.training
    assert network.training
    assert same_bits(state_of(other), state_of(network))


def test_an_incomplete_state_is_refused():
    state = state_of(seeded("alexnet"))
    del state["head.1.bias"]
    with pytest.raises(RuntimeError, match=r"head\.1\.bias"):
        build(Architecture("alexnet"), state)


@pytest.mark.parametrize("factory", FACTORIES)
def test_initialise_depends_on_the_generator_alone(factory):
    torch.manual_seed(1)
    first = state_of(seeded(factory, 7))
    torch.manual_seed(2)
    before = torch.get_rng_state()
    second = state_of(seeded(factory, 7))
    assert torch.equal(torch.get_rng_state(), before)  # and it draws nothing from the global one
    assert same_bits(first, second)
    assert not same_bits(first, state_of(seeded(factory, 8)))


def test_initialise_overwrites_everything():
    used = seeded("alexnet-bn", 3)
    with torch.no_grad():
        for tensor in used.state_dict().values():
            tensor.fill_(9)
    initialise(used, torch.Generator().manual_seed(3))
    assert same_bits(state_of(used), state_of(seeded("alexnet-bn", 3)))


def test_initialise_is_he_normal_by_fan_in():
    network = seeded("alexnet-bn")
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            fan_in = module.in_channels * module.kernel_size[0] * module.kernel_size[1]
            draws = module.weight.detach().flatten()
            assert draws.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.02)
            assert draws.mean().item() == pytest.approx(0, abs=5 * (2 / fan_in / len(draws)) ** 0.5)
            assert not module.bias.any()
        elif isinstance(module, nn.BatchNorm2d):
            for tensor, value in ((module.weight, 1), (module.bias, 0), (module.running_mean, 0)):
                assert bool((tensor == value).all())
            assert bool((module.running_var == 1).all())
            assert module.num_batches_tracked.item() == 0
