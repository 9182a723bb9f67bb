"""Tests of my-method: the rules, and its score by definition."""

from collections.abc import Callable

import pytest
import torch
from harness.networks import initialise
from harness.pruning import build
from harness.testing import narrowed, parametrize_with_checks

from my_method import MyMethod, scaled_magnitude


@parametrize_with_checks([MyMethod()])
def test_conformance(pruner: object, check: Callable[[object], None]) -> None:
    """Each check of `harness check`, a test each."""
    check(pruner)


def test_the_score_is_its_definition() -> None:
    """The score of every prunable weight, by plain loops: write down your own."""
    network = build(narrowed("small-cnn", [4, 6, 4, 4]))
    initialise(network, torch.Generator().manual_seed(0))
    scores = scaled_magnitude(network, balance=0.5)
    weights = {name: weight.flatten().tolist() for name, weight in network.named_parameters()}
    assert list(scores) == [f"features.conv{layer}.weight" for layer in (1, 2, 3, 4)]
    for name, score in scores.items():
        mean = sum(abs(weight) for weight in weights[name]) / len(weights[name])
        expected = [abs(weight) / mean**0.5 for weight in weights[name]]
        assert score.flatten().tolist() == pytest.approx(expected, rel=1e-5)
