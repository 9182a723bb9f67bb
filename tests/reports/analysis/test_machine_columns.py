"""Each machine has columns of its own, in the leaderboard, its JSON, the trade-offs and the terminal."""

import io
import json
import math

import pytest
from rich.console import Console

from harness.reports.analysis.columns import COLUMNS
from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.charts.trade_offs import trade_offs
from harness.reports.export.results_json import document
from harness.reports.export.tables import tables
from harness.reports.terminal import summary

PI, ODD = "Pi 4", 'a "x"] <b>.phone'
TITLES = [f"{PI}, ms", f"{PI}, memory", f"{ODD}, ms", f"{ODD}, memory"]


def took(machine, ms, memory=None):
    told = {f"measured/{machine}/latency": ms, f"measured/{machine}/latency32": 20 * ms}
    return told | ({} if memory is None else {f"measured/{machine}/memory": memory})


@pytest.fixture
def results(bench, scores):
    """Two of three networks of lt measured on one machine, dense on both."""
    for seed in range(3):
        dense = {**took(PI, 10.0, 5e6), **took(ODD, 2.0, 1e6)} if seed == 0 else {}
        bench.done("dense", seed, 1.0, scores(seed=seed), **dense)
        bench.done("lt", seed, 0.5, scores(seed=seed + 9), **(took(PI, 8.0 + seed, 4e6) if seed else {}))
        bench.done("snip", seed, 0.5, scores(seed=seed + 20))
    return bench.results()


def figures(results):
    (board,) = leaderboard(results)
    names = {column.title: column.name for column in board.columns if column.title in TITLES}
    return {row.entry: [row.figures[names[title]] for title in TITLES] for level in board.levels for row in level.rows}


def test_figures_of_two_machines_never_share_a_column(results):
    found = figures(results)
    assert found["dense"] == [10.0, 5e6, 2.0, 1e6]
    assert found["lt"][:2] == [9.5, 4e6]  # the mean over those that were measured
    assert all(math.isnan(one) for one in [*found["lt"][2:], *found["snip"]])


def test_without_machines_there_are_the_usual_columns(usual):
    (board,) = leaderboard(usual.results())
    assert board.columns == COLUMNS


def test_results_json_has_them_by_the_machine(results):
    (group,) = document(results)["groups"]
    rows = {row["entry"]: row["machines"] for level in group["levels"] for row in level["rows"]}
    assert rows["lt"] == {
        PI: {"latency": 9.5, "latency32": 190.0, "memory": 4e6},
        ODD: {"latency": None, "latency32": None, "memory": None},
    }
    json.dumps(rows, allow_nan=False)


def test_they_are_axes_of_the_trade_offs_under_names_that_are_fields(results):
    (board,) = leaderboard(results)
    specification = trade_offs(board).specification
    (across,) = [one["bind"] for one in specification["params"] if one["name"] == "across"]
    titles = dict(zip(across["options"], across["labels"], strict=True))
    own = {name: title for name, title in titles.items() if PI in title or ODD in title}
    assert sorted(own.values()) == sorted(
        f"{what} on {machine}" for what in ("milliseconds an image", "bytes of memory") for machine in (PI, ODD)
    )
    assert all(name.isidentifier() for name in own)
    rows = {row["entry"]: row for row in specification["data"]["values"]}
    (latency,) = [name for name, title in own.items() if title == f"milliseconds an image on {PI}"]
    assert (rows["lt"][latency], rows["dense"][latency], rows["snip"][latency]) == ([9.5], [10.0], [None])


def test_tables_and_terminal_show_them(results):
    (board,) = leaderboard(results)
    (table,) = [one for one in tables(board) if one.name == "leaderboard-50-percent-device"]
    assert [head.title for head in table.heads][4:-1] == ["Bytes", "MACs left", "Bits", *TITLES]
    stream = io.StringIO()
    Console(file=stream, width=100, color_system=None).print(summary(results))
    text = " ".join(stream.getvalue().split())
    assert f"measured on {PI}: 9.5 ms lt at 50%; 10 ms dense at 100%" in text
    assert "2 ms dense at 100%" in text


def test_a_machine_that_ran_no_single_image_is_shown_without_its_time(bench, scores):
    bench.done("dense", 0, 1.0, scores(seed=0), **{f"measured/{PI}/latency32": 90.0})
    bench.done("lt", 0, 0.5, scores(seed=1))
    results = bench.results()
    (group,) = document(results)["groups"]
    (dense,) = [row for row in group["levels"][0]["rows"] if row["entry"] == "dense"]
    assert dense["machines"] == {PI: {"latency": None, "latency32": 90.0, "memory": None}}
    (board,) = leaderboard(results)
    assert TITLES[0] in {head.title for one in tables(board) for head in one.heads}
    stream = io.StringIO()
    Console(file=stream, width=100, color_system=None).print(summary(results))
    assert "nan" not in stream.getvalue().lower().split()
