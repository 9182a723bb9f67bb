"""The trade-offs beside means and fronts counted by hand, and what the drawn chart shows of them."""

import json
import re

import pytest

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.charts.still import svg
from harness.reports.charts.trade_offs import trade_offs


@pytest.fixture(scope="module")
def kept():
    return []


@pytest.fixture
def drawn(trial, kept):
    """Two methods at two levels: `few` takes fewer steps, `good` finds more, and one that lacks a seed."""
    if not kept:
        made = trial(positives=40, negatives=50).entry("dense", 1.0, 4)
        for density, few, good in ((0.5, 8, 6), (0.25, 20, 12)):
            sizes = {"size/density": density, "size/flops": 1000 * density}
            made.entry("few", density, few, **sizes, **{"cost/steps": 100.0})
            made.entry("good", density, good, **sizes, **{"cost/steps": 900.0})
        made.entry("lacking", 0.25, 0, seeds=(0, 1), **{"cost/steps": 1.0, "size/density": 0.25})
        (board,) = leaderboard(made.results())
        kept.append((board, trade_offs(board)))
    return kept[0]


def options(chart, name):
    (found,) = [one for one in chart.specification["params"] if one["name"] == name]
    return found["bind"]["options"]


def means(chart):
    """Every mean of the chart: (entry, level), its place by column, and the pairs on whose front it is."""
    names = [*options(chart, "up"), *options(chart, "across")]
    return {
        (row["entry"], level): ({name: row[name][place] for name in names}, row["fronts"][place])
        for row in chart.specification["data"]["values"]
        for place, level in enumerate(row["level"])
    }


def test_what_was_measured_is_offered_and_the_error_that_no_cut_decides_comes_first(drawn):
    _, chart = drawn
    assert options(chart, "up") == ["sensitivity", "auc", "missed", "alarms"]
    assert options(chart, "across") == ["remaining", "steps", "macs"]


def test_places_are_the_errors_of_the_leaderboard_with_their_intervals(drawn):
    board, chart = drawn
    found = means(chart)
    for level in board.levels:
        for row in level.rows:
            of = "dense" if row.entry == "dense" else f"{100 * level.density:g}%"
            place, fronts = found[row.entry, of]
            for name in ("auc", "sensitivity"):
                estimate = row.figures[name]
                low, high = estimate.method or estimate.these
                wanted = [1 - estimate.value, 1 - high, 1 - low]
                assert place[name] == pytest.approx(wanted if fronts else wanted[:1], abs=1e-3)
            missed = row.figures["missed"]
            wanted = [missed.share, missed.low, missed.high]
            assert place["missed"] == pytest.approx(wanted if fronts else wanted[:1], abs=1e-3)


def test_fronts_are_what_no_whole_mean_dominates_for_every_pair(drawn):
    _, chart = drawn
    found = means(chart)
    ups, acrosses = options(chart, "up"), options(chart, "across")
    for across, cost in enumerate(acrosses):
        for up, error in enumerate(ups):
            spots = {
                of: (place[cost], place[error][0])
                for of, (place, _) in found.items()
                if of[0] != "lacking" and place[cost] is not None
            }
            wanted = {
                of
                for of, (x, y) in spots.items()
                if not any(a <= x and b <= y and (a, b) != (x, y) for a, b in spots.values())
            }
            assert {of for of, (_, fronts) in found.items() if across * len(ups) + up in fronts} == wanted
    assert not found["lacking", "25%"][1]


def shown(chart, up, across):
    """Return the chart as SVG with its lists at a choice."""
    specification = json.loads(json.dumps(chart.specification))
    for one in specification["params"]:
        if one["name"] in ("up", "across"):
            one["value"] = {"up": up, "across": across}[one["name"]]
    return svg(specification, 640)


def test_the_lists_choose_the_axes_and_the_front_of_their_pair(drawn):
    _, chart = drawn
    titles = {}
    for up, across in (("sensitivity", "remaining"), ("auc", "steps")):
        found = shown(chart, up, across)
        titles[up, across] = set(
            re.findall(r">(positives missed[^<]*|1 [^<]*AUC-ROC|remaining weights|optimiser steps)<", found)
        )
        bars = len(re.findall(r'<line [^>]*stroke="#1b232c" stroke-width="1"[^>]*/>', found))
        pair = options(chart, "across").index(across) * 4 + options(chart, "up").index(up)
        assert bars == sum(pair in fronts for _, fronts in means(chart).values()) > 0
    assert titles["sensitivity", "remaining"] == {"positives missed at equal false alarms", "remaining weights"}
    assert titles["auc", "steps"] == {"1 \N{MINUS SIGN} AUC-ROC", "optimiser steps"}


def test_ticks_are_named_as_in_the_tables_and_never_twice(drawn):
    _, chart = drawn
    found = shown(chart, "missed", "remaining")
    for anchor in ("middle", "end"):  # of the axis across, and of that upwards
        ticks = re.findall(rf'<text text-anchor="{anchor}"[^>]*>([\d.]+%)<', found)
        assert len(set(ticks)) == len(ticks) > 1
        assert anchor == "end" or {"25%", "50%"} <= set(ticks)


def test_the_words_name_the_front(drawn):
    _, chart = drawn
    assert chart.words.startswith(
        "Positives missed at equal false alarms against remaining weights; on the front: good"
    )
    assert "lacking" not in chart.words


def test_without_anything_done_there_is_no_chart(bench):
    bench.missing("dense", 0, 1.0, "failed", "why")
    (board,) = leaderboard(bench.results())
    assert trade_offs(board) is None


def test_a_collapsed_network_is_on_no_front(bench, scores):
    for seed in (0, 1, 2):
        bench.done("dense", seed, 1.0, scores(2, 4, seed=seed))
        bench.done("lt", seed, 0.5, scores(3, 4, seed=seed + 9))
        bench.done("lt", seed, 0.25, scores(3, 4, seed=seed + 19), **{"flag/collapsed": float(seed == 1)})
    (board,) = leaderboard(bench.results())
    fronts = {of: on for of, (_, on) in means(trade_offs(board)).items()}
    assert fronts["lt", "50%"]
    assert not fronts["lt", "25%"]
