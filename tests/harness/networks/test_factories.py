import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from harness.errors import UsageError
from harness.networks.architecture import Architecture, positive_scores
from harness.networks.factories import build, copy_of, initialise, parameter_count, state_of

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


def test_an_unknown_factory_names_the_nearest():
    with pytest.raises(UsageError, match=r"unknown network 'alexnet_bn' \(did you mean 'alexnet-bn'\?\)") as caught:
        build(Architecture("alexnet_bn"))
    assert caught.value.exit_code == 2
    assert "alexnet" in caught.value.fix


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


@pytest.mark.parametrize("factory", FACTORIES)
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


def test_63_pixels_is_the_smallest_image():
    network = seeded("alexnet")
    with torch.no_grad():
        assert network(images(3, 63)).shape == (3, 2)
        with pytest.raises(RuntimeError, match="too small"):
            network(images(3, 62))


def test_the_score_is_the_positive_logit_minus_the_negative_one():
    assert positive_scores(torch.tensor([[1.0, 4.0], [2.5, -1.0]])).tolist() == [3.0, -3.5]
    assert build(Architecture("alexnet")).pooled_width == 256
