import json
import re

import pytest

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.charts.layers import layers
from harness.reports.charts.still import svg

NONE = "\N{MULTIPLICATION SIGN}"


@pytest.fixture
def counted(bench, scores):
    """A method that empties a layer in one seed at a quarter, in both at an eighth, and another of other layers."""
    for seed in (0, 1):
        bench.done("dense", seed, 1.0, scores(seed=seed))
        bench.done("snip", seed, 0.5, scores(seed=seed), layers={"a.weight": [50, 50, 100], "b.weight": [1, 1, 3]})
        bench.done("snip", seed, 0.25, scores(seed=seed), layers={"a.weight": [50 * seed, 0, 100]})
        bench.done("snip", seed, 0.125, scores(seed=seed), layers={"a.weight": [0, 0, 100]})
        bench.done("narrow", seed, 0.25, scores(9, seed=seed), layers={"c.weight": [781, 781, 100_000]})
    (board,) = leaderboard(bench.results())
    return layers(board)


def cells(chart, entry):
    """Return what stands in the heat map of an entry: its cells line by line, then levels and layers."""
    specification = json.loads(json.dumps(chart.specification))
    (param,) = specification["params"]
    assert entry in param["bind"]["options"]
    param["value"] = entry
    drawn = svg(specification, 640)
    return re.findall(r"<text[^>]*>([^<]+)</text>", drawn)


def test_shares_stand_in_their_cells_and_emptied_layers_have_a_sign(counted):
    assert counted.specification["params"][0]["value"] == "snip"
    found = cells(counted, "snip")
    assert found == ["50", f"25 {NONE}", NONE, "33.3", "50%", "25%", "12.5%", "a", "b"]


def test_a_reader_picks_the_entry(counted):
    assert cells(counted, "narrow") == ["0.781", "50%", "25%", "12.5%", "c"]


def test_the_words_name_what_was_emptied(counted):
    assert counted.words == "The layers of snip by level: none left in a network of a at 25%, a at 12.5%."


def test_without_counts_there_is_no_chart(usual):
    (board,) = leaderboard(usual.results())
    assert layers(board) is None
