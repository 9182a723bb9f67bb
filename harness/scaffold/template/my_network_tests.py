"""Tests of my-network: the rules, and its size."""

from collections.abc import Callable

import pytest
from harness.networks import Architecture, parameter_count, skeleton
from harness.testing import network_checks


@pytest.mark.parametrize("check", network_checks(), ids=str)
def test_conformance(check: Callable[[str], None]) -> None:
    """Each rule of `harness check`, a test each."""
    check("my-network")


def test_it_has_the_parameters_that_its_layers_have() -> None:
    """Counted by hand: write down your own."""
    convolutions = 9 * (3 * 32 + 32 * 32 + 32 * 64)
    norms = 2 * (32 + 32 + 64)
    linear = 64 * 2 + 2
    assert parameter_count(skeleton(Architecture("my-network"))) == convolutions + norms + linear
