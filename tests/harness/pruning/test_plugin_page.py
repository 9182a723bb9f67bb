"""The channel method that docs/plugins.md shows runs as it is printed, and ranks by its definition."""

import re
from pathlib import Path

import pytest
import torch

from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise, parameter_count
from harness.networks.registered import INTERNAL
from harness.pruning.templates import ChannelPruner
from harness.sparsity.surgery import channel_groups
from harness.testing import network_checks
from harness.testing.narrowed import narrowed

PAGE = Path(__file__).parents[3] / "docs" / "plugins.md"


@pytest.fixture
def largest_channels():
    """The class of the one example that is derived from `ChannelPruner`."""
    (text,) = (text for text in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S) if "(ChannelPruner)" in text)
    names = {"__name__": "example"}
    exec(compile(text, str(PAGE), "exec"), names)
    (kind,) = (kind for kind in names.values() if isinstance(kind, type) and ChannelPruner in kind.__bases__)
    return kind


@pytest.mark.parametrize("factory", ["small-cnn", "resnet18"])
def test_a_channel_s_score_is_the_sum_of_its_magnitudes_over_all_that_make_it(largest_channels, factory):
    network = build(narrowed(factory, [4, 6, 4, 4]) if factory == "small-cnn" else Architecture(factory))
    initialise(network, torch.Generator().manual_seed(0))
    weights = dict(network.named_parameters())
    scores = largest_channels().channel_saliency(None, network)
    groups = channel_groups(network)
    assert list(scores) == [group.name for group in groups]
    for group in groups[-3:]:
        for channel in (0, group.channels - 1):
            made = [weights[f"{maker}.weight"][channel].flatten().tolist() for maker in group.makers]
            expected = sum(abs(value) for values in made for value in values)
            assert float(scores[group.name][channel]) == pytest.approx(expected, rel=1e-4)


def test_the_printed_method_gives_a_smaller_network(largest_channels, make_bench):
    network = build(narrowed("small-cnn", [8, 8, 8, 8]))
    initialise(network, torch.Generator().manual_seed(0))
    dense, pruned = largest_channels().prune(make_bench(initial=network), [1.0, 0.4])
    assert pruned.mask is None
    assert parameter_count(pruned.network) == pytest.approx(0.4 * parameter_count(dense.network), rel=0.02)


# --- the page's network


def test_the_printed_network_keeps_every_rule(monkeypatch):
    (text,) = (text for text in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S) if "(Network)" in text)
    names = {"__name__": "two_layers"}
    exec(compile(text, str(PAGE), "exec"), names)
    monkeypatch.setitem(INTERNAL, "two-layers", names["TwoLayers"])
    for check in network_checks():
        check("two-layers")


def test_the_page_has_every_rule_of_networks():
    for check in network_checks():
        assert f"| `{check.name}` | {check.catches} |" in PAGE.read_text()
