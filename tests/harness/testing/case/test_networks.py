"""The networks of the checks: known only while checking."""

import pytest
import torch

from harness.networks.architecture import Architecture
from harness.networks.factories import build, parameter_count
from harness.networks.registered import INTERNAL
from harness.sparsity.narrowable import not_narrowable
from harness.testing.case.networks import NETWORKS, check_networks
from harness.testing.narrowed import narrowed


def test_the_networks_are_known_only_while_checking():
    before = dict(INTERNAL)
    with check_networks():
        assert set(NETWORKS) < set(INTERNAL)
    assert before == INTERNAL


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_loses_channels_or_is_refused_with_a_sentence(name):
    with check_networks():
        whole = build(Architecture(name))
        if name == "check-awkward":
            assert "does not index its channels one by one" in not_narrowable(whole)
            return
        narrow = build(narrowed(name, 1 / 2))
        assert parameter_count(narrow) < parameter_count(whole) / 2
        assert narrow(torch.rand(2, 3, 16, 16)).shape == (2, 2)
