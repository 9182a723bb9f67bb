"""The networks of the checks: known only while checking, and of any widths that fit together."""

import pytest
import torch

from harness.networks.architecture import Architecture
from harness.networks.factories import build, parameter_count
from harness.networks.registered import INTERNAL
from harness.testing.case.networks import NETWORKS, check_networks


def test_the_networks_are_known_only_while_checking():
    before = dict(INTERNAL)
    with check_networks():
        assert set(NETWORKS) < set(INTERNAL)
    assert before == INTERNAL


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_takes_the_widths_of_its_convolutions(name):
    with check_networks():
        whole = build(Architecture(name))
        widths = [m.out_channels for m in whole.modules() if isinstance(m, torch.nn.Conv2d)]
        assert parameter_count(build(Architecture(name, {"widths": widths}))) == parameter_count(whole)
        wide = max(widths)
        fewer = [wide // 2 if width == wide else width for width in widths]
        narrow = build(Architecture(name, {"widths": fewer}))
        assert [m.out_channels for m in narrow.modules() if isinstance(m, torch.nn.Conv2d)] == fewer
        assert narrow(torch.rand(2, 3, 16, 16)).shape == (2, 2)
        with pytest.raises(ValueError, match="widths"):
            build(Architecture(name, {"widths": [*widths, 8]}))


def test_coupled_convolutions_need_equal_widths():
    with check_networks(), pytest.raises(ValueError, match="equal widths"):
        build(Architecture("check-residual", {"widths": [16, 16, 8, 32, 48]}))
