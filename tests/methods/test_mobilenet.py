import pytest
import torch

from harness.methods.mobilenet import MobileNet, mobilenet, width_of
from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise, parameter_count, skeleton, state_of

pytestmark = pytest.mark.slow

LEVELS = [1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625]


def count(width):
    return parameter_count(skeleton(mobilenet(width)))


@pytest.mark.parametrize("reference", ["alexnet", "alexnet-bn"])
@pytest.mark.parametrize("density", LEVELS)
def test_the_width_is_within_one_per_cent_of_the_level(reference, density):
    wanted = density * parameter_count(skeleton(Architecture(reference)))
    assert abs(count(width_of(round(wanted))) - wanted) <= 0.01 * wanted


def test_no_other_width_is_nearer():
    """By brute force over every network of up to a quarter of the width: 256 of them."""
    counts = {step / 1024: count(step / 1024) for step in range(1, 257)}
    assert list(counts.values()) == sorted(counts.values())  # so that a search by halves finds it
    for wanted in (20_000, 38_626, 123_456, 200_000):
        nearest = min(abs(found - wanted) for found in counts.values())
        assert abs(counts[width_of(wanted)] - wanted) == nearest


def test_widths_between_those_tried_give_no_other_network():
    between = {count((step + part) / 1024) for step in range(60, 70) for part in (0.0, 0.3, 0.99)}
    assert between == {count(step / 1024) for step in range(60, 70)}


def test_a_size_that_no_width_has_is_refused():
    with pytest.raises(ValueError, match="no MobileNet has 2000 parameters within 1 %: the nearest has 2434"):
        width_of(2000)


@pytest.fixture
def reference():
    network = build(Architecture("alexnet-bn"))
    initialise(network, torch.Generator().manual_seed(0))
    return network


def test_each_level_is_a_trained_network_of_that_size_without_a_mask(make_bench, reference):
    dense = parameter_count(reference)
    asked = []

    def own(architecture):
        asked.append(architecture)
        network = build(architecture)
        initialise(network, torch.Generator().manual_seed(1))
        return network

    bench = make_bench(initial=reference, own=own)
    for density, pruned in zip((0.0625, 0.015625), MobileNet().prune(bench, [0.0625, 0.015625]), strict=True):
        assert pruned.mask is None
        assert pruned.network.architecture == asked[-1] == mobilenet(width_of(round(density * dense)))
        assert parameter_count(pruned.network) == pytest.approx(density * dense, rel=0.01)
        expected = state_of(bench.train(own(asked[-1]), round=1))
        assert all(torch.equal(expected[name], tensor) for name, tensor in state_of(pruned.network).items())
        untrained = state_of(own(asked[-1]))
        assert not torch.equal(untrained["head.1.weight"], expected["head.1.weight"])


def test_smaller_networks_train_with_the_loss_of_later_rounds_as_pruned_ones_do(make_bench, reference):
    """Black weighs positives by 1 in the dense round and by 5 after it."""
    small = mobilenet(width_of(round(0.015625 * parameter_count(reference))))
    bench = make_bench("black", initial=reference)
    (pruned,) = MobileNet().prune(bench, [0.015625])
    rounds = [state_of(bench.train(bench.network(small), round=number)) for number in (0, 1)]
    found = state_of(pruned.network)["head.1.weight"]
    assert torch.equal(found, rounds[1]["head.1.weight"])
    assert not torch.equal(found, rounds[0]["head.1.weight"])


def test_the_full_network_has_one_architecture():
    assert mobilenet(1.0) == Architecture("mobilenet-v1")
