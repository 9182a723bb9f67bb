"""What holds of every chart: it is one view, can be drawn anew, and is light enough for a page of sixty entries."""

import json
import re

import pytest

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.charts.calibration import calibration, decisions
from harness.reports.charts.differences import differences
from harness.reports.charts.layers import layers
from harness.reports.charts.networks import networks
from harness.reports.charts.roc import roc
from harness.reports.charts.still import svg
from harness.reports.charts.trade_offs import trade_offs

NAMES = (
    *("difference-sensitivity", "difference-auc", "trade-offs", "networks", "roc", "calibration"),
    *("decision-curves", "layers"),
)


@pytest.fixture(scope="module")
def kept():
    return {}


@pytest.fixture
def every(bench, scores, kept):
    """All charts of two methods, a control and their layers."""
    if not kept:
        for seed in (0, 1, 2):
            bench.done("dense", seed, 1.0, scores(seed=seed), **{"cost/steps": 10.0, "cost/processor_seconds": 9.0})
            for entry, missed in (("lt", 3), ("snip", 5), ("random", 20)):
                for density in (0.5, 0.03125):
                    facts = {"cost/steps": 20.0, "cost/processor_seconds": 5.0, "layers": {"a.weight": [5, 4, 10]}}
                    more = missed + 5 * (density < 0.1)
                    bench.done(entry, seed, density, scores(more, missed, seed=seed), **facts)
        (board,) = leaderboard(bench.results())
        found = [
            *differences(board),
            *(draw(board) for draw in (trade_offs, networks, roc, calibration, decisions, layers)),
        ]
        kept.update((one.name, one) for one in found)
    return kept


def test_there_are_all(every):
    assert tuple(every) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_is_one_view_as_wide_as_its_holder_and_says_what_it_is(every, name):
    chart = every[name]
    assert not {"hconcat", "vconcat", "concat", "facet", "repeat", "title", "background"} & chart.specification.keys()
    assert chart.specification["width"] == "container"
    assert chart.specification["config"]["background"] == "transparent"
    assert all(text and text[0].isupper() for text in (chart.title, chart.caption, chart.words))
    assert chart.caption.endswith(".")


def written(value):
    """Every field that a transform computes in place."""
    if isinstance(value, dict):
        own = {value["as"]} if "calculate" in value else set()
        return own.union(*map(written, value.values()))
    return set().union(*map(written, value)) if isinstance(value, list) else set()


@pytest.mark.parametrize("name", NAMES)
def test_no_expression_overwrites_what_it_reads(every, name):
    """Vega would compute it anew from what it wrote, when a reader picks another level."""
    specification = every[name].specification
    fields = {field for row in specification["data"]["values"] for field in row}
    assert not written(specification) & fields


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [340, 640])
def test_letters_are_legible_and_levels_are_named_as_in_the_tables(every, name, width):
    drawn = svg(every[name].specification, width)
    assert min(map(int, re.findall(r'font-size="(\d+)px"', drawn))) >= 11
    assert "3.13" not in drawn
    assert f'width="{width}"' in drawn[:200]
    assert "NaN" not in drawn


@pytest.mark.parametrize("name", ["roc", "calibration", "decision-curves"])
def test_a_level_can_be_picked(every, name):
    specification = json.loads(json.dumps(every[name].specification))
    (level,) = [one for one in specification["params"] if one["name"] == "level"]
    assert level["bind"]["labels"] == ["50%", "3.12%"]
    drawings = []
    for level["value"] in (0, 1):
        drawings.append(svg(specification, 640))
    first, second = (re.findall(r'<path d="([^"]+)" stroke="#0072B2"', drawn) for drawn in drawings)
    assert first
    assert second
    assert first != second
