import pytest
import torch

from harness.errors import UsageError
from harness.networks.architecture import Architecture
from harness.networks.contract import require_fit
from harness.networks.factories import build, initialise, parameter_count, state_of
from harness.networks.registered import built_in


def probe_of(factory, **arguments):
    network = build(Architecture("linear-probe", {"of": factory, "arguments": arguments}))
    initialise(network, torch.Generator().manual_seed(3))
    return network


@pytest.mark.parametrize(("factory", "width"), [("alexnet", 256), ("small-cnn", 128), ("tiny", 16)])
def test_it_has_the_features_of_the_other_and_one_linear_layer(factory, width):
    """AlexNet's own head has three."""
    probe, other = probe_of(factory), build(Architecture(factory))
    features = {name: tensor for name, tensor in state_of(probe).items() if name.startswith("base.")}
    assert {f"base.{name}" for name in state_of(other) if name.startswith("features.")} == features.keys()
    assert parameter_count(probe) == parameter_count(other.features) + 2 * width + 2
    other.load_state_dict({name.removeprefix("base."): tensor for name, tensor in features.items()}, strict=False)
    images = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        pooled = other.pooled(images)
        assert torch.equal(probe.pooled(images), pooled)
        by_hand = torch.stack([probe.head[0].weight @ one + probe.head[0].bias for one in pooled])
        torch.testing.assert_close(probe(images), by_hand)


def test_it_is_rebuilt_from_its_architecture_and_tensors(same_bits):
    probe = probe_of("mobilenet-v1", width=0.25)
    again = build(Architecture(**vars(probe.architecture)), state_of(probe))
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert same_bits(again, probe)
    assert torch.equal(again(images), probe(images))
    assert again.pooled_width == 256


def test_no_user_can_ask_for_it():
    assert "linear-probe" not in built_in()
    with pytest.raises(UsageError, match="unknown network 'linear-probe'"):
        require_fit("linear-probe", 64)
