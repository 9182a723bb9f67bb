import pytest
from torch import nn

from harness.networks.architecture import Architecture
from harness.networks.factories import parameter_count, skeleton
from harness.networks.registered import built_in
from harness.networks.widths import each_width, widths_of

PUBLISHED = built_in()


def test_widths_are_the_output_channels_of_every_convolution_in_order():
    network = nn.Sequential(nn.Conv2d(3, 7, 1), nn.Sequential(nn.ReLU(), nn.Conv2d(7, 5, 1)), nn.Linear(5, 2))
    assert widths_of(network) == [7, 5]


def test_the_published_widths_are_taken_unless_others_are_given():
    assert list(each_width([3, 4], None)) == [3, 4]
    assert list(each_width([3, 4], [1, 2])) == [1, 2]


@pytest.mark.parametrize("widths", [[], [1], [1, 2, 3]])
def test_another_number_of_widths_is_refused(widths):
    with pytest.raises(ValueError, match=f"{len(widths)} widths for 2 convolutions"):
        each_width([3, 4], widths)


@pytest.mark.parametrize("factory", PUBLISHED)
def test_a_networks_own_widths_give_the_same_network(factory):
    published = skeleton(Architecture(factory))
    again = skeleton(Architecture(factory, {"widths": widths_of(published)}))
    shapes = [{name: tensor.shape for name, tensor in network.state_dict().items()} for network in (published, again)]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("factory", PUBLISHED)
def test_every_convolution_is_as_wide_as_asked(factory):
    published = skeleton(Architecture(factory))
    halved = [width // 2 for width in widths_of(published)]
    network = skeleton(Architecture(factory, {"widths": halved}))
    assert widths_of(network) == halved
    assert parameter_count(network) < parameter_count(published) / 2


@pytest.mark.parametrize("factory", PUBLISHED)
def test_every_network_refuses_too_few_widths(factory):
    with pytest.raises(ValueError, match="1 widths for"):
        skeleton(Architecture(factory, {"widths": [4]}))
