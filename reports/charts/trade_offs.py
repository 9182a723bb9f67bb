"""What an error costs: any error against any size or cost, with the front that nothing beats."""

import math
from collections.abc import Sequence

from harness.reports.analysis.columns import Column
from harness.reports.analysis.leaderboard import Board, Row
from harness.reports.analysis.pareto import front
from harness.reports.charts.axes import axis_of, costs_of, errors_of, pair, placed, selects, spot, ticks_of, written
from harness.reports.charts.chart import Chart
from harness.reports.charts.looks import (
    GREY,
    INK,
    NARROW,
    SHOWN,
    Specification,
    brief,
    entry_colour,
    entry_legend,
    entry_shape,
    framed,
    picker,
)
from harness.reports.charts.main_entries import controls, entry_order, main_entries
from harness.reports.formatting import decimal, percents, shown
from harness.results.names import DENSE, PROBE

HEIGHT = 360
LABEL = 26  # letters


def trade_offs(board: Board) -> Chart | None:
    """Return the chart of every entry and level, None where nothing is done."""
    rows = [(level.density, row) for level in board.levels for row in level.rows if row.done and row.entry != PROBE]
    figures = [row.figures for _, row in rows]
    errors, costs = errors_of(figures, board.columns), costs_of(figures, board.columns)
    if not rows or not errors or not costs:
        return None
    main = main_entries(board)
    order, there = entry_order(board), {row.entry for _, row in rows}
    entries = [entry for entry in order if entry in there]
    values = _values(rows, entries, main, errors, costs)
    ticks = {cost.name: ticks_of(cost, [one for row in values for one in row[cost.name]]) for cost in costs}
    return Chart(
        name="trade-offs",
        title="What an error costs",
        caption="Each mark is the mean of an entry's networks at a level; down and to the left is better. Black: "
        "dense; grey: controls and others. The stepped line is the front that no mean beats, with 95% intervals of its "
        "errors: means within them are not told apart.",
        words=_words(rows, errors[0], costs[0]),
        specification=framed(
            *_layers(entries, order, main, controls(board)),
            height=HEIGHT,
            data={"name": "entries", "values": values},
            transform=_transform(errors, costs),
            params=[*selects(errors, costs), pair(errors, costs)],
            encoding={"x": axis_of(costs, "across", ticks), "y": axis_of(errors, "up")},
        ),
    )


def fronts_of(rows: Sequence[tuple[float, Row]], errors: Sequence[Column], costs: Sequence[Column]) -> list[list[int]]:
    """Return for each row the pairs (cost x error, counted row by row) on whose front its mean is.

    A row that lacks a network is on none, since its mean is of others, nor is one with a collapsed network.
    """
    found: list[list[int]] = [[] for _ in rows]
    for across, cost in enumerate(costs):
        for up, error in enumerate(errors):
            means = [
                (spot(cost, row.figures[cost.name])[0], spot(error, row.figures[error.name])[0])
                if row.done == row.asked and not row.collapsed
                else (math.nan, math.nan)
                for _, row in rows
            ]
            for place in front(means):
                found[place].append(across * len(errors) + up)
    return found


def _values(
    rows: Sequence[tuple[float, Row]],
    entries: Sequence[str],
    main: Sequence[str],
    errors: Sequence[Column],
    costs: Sequence[Column],
) -> list[Specification]:
    """Return a row for each entry, its levels in lists."""
    fronts = fronts_of(rows, errors, costs)
    names = dict(zip((density for density, _ in rows), percents([density for density, _ in rows]), strict=True))
    found = []
    for entry in entries:
        own = [(density, row, on) for (density, row), on in zip(rows, fronts, strict=True) if row.entry == entry]
        spots = {
            column.name: [spot(column, row.figures[column.name]) for _, row, _ in own] for column in (*errors, *costs)
        }
        found.append(
            {
                "entry": entry,
                "label": brief(shown(entry), LABEL),
                "main": entry in main,
                "level": [DENSE if density == 1 and entry == DENSE else names[density] for density, _, _ in own],
                "fronts": [on for _, _, on in own],
                **{cost.name: [written(one[0]) for one in spots[cost.name]] for cost in costs},
                # The ends of an interval are drawn of what is on a front alone.
                **{
                    error.name: [
                        [written(end) for end in (one if on else one[:1])]
                        for one, (_, _, on) in zip(spots[error.name], own, strict=True)
                    ]
                    for error in errors
                },
            }
        )
    return found


def _transform(errors: Sequence[Column], costs: Sequence[Column]) -> list[Specification]:
    """Return what makes a row a mean at its place."""
    lists = ["level", "fronts", *(column.name for column in (*costs, *errors))]
    return [{"flatten": lists}, *placed("datum[across]", "datum[up][0]")]


def _layers(
    entries: Sequence[str], order: Sequence[str], main: Sequence[str], control: set[str]
) -> list[Specification]:
    colour = entry_colour(order, control) | {"legend": entry_legend(main)}
    shape = entry_shape(order, control) | {"legend": entry_legend(main)}
    told = [{"field": "entry"}, {"field": "level"}, {"field": "x", "format": ".4~g"}, {"field": "y", "format": ".3~g"}]
    at = {"x": {"field": "x"}, "y": {"field": "y"}}
    # The entry's line and points first, so that the front lies over them.
    others = {
        "mark": {"type": "point", "filled": True, "color": GREY, "size": 34, "opacity": 0.7},
        "encoding": {**at, "tooltip": told},
        "params": [picker(entries)],
    }
    line = {
        "mark": {"type": "line", "strokeWidth": 1.2, "opacity": 0.6},
        "encoding": {**at, "color": colour, "order": {"field": "x"}},
        "transform": [{"filter": SHOWN}],
    }
    points = {
        "mark": {"type": "point", "size": 60, "strokeWidth": 2, "opacity": 1},
        "encoding": {**at, "color": colour, "shape": shape, "tooltip": told},
        "transform": [{"filter": SHOWN}],
    }
    return [others, line, points, *_front(at)]


def _front(at: Specification) -> list[Specification]:
    """Return the front of the pair that is shown, its steps, intervals and names, and the dense network."""
    on = [{"filter": "indexof(datum.fronts, pair) >= 0"}]
    bounds = [{"calculate": f"datum[up][{end}]", "as": name} for end, name in ((1, "low"), (2, "high"))]
    steps = {
        "mark": {"type": "line", "interpolate": "step-after", "color": INK, "strokeWidth": 1.4},
        "encoding": {**at, "order": {"field": "x"}},
        "transform": on,
    }
    bars = {
        "mark": {"type": "rule", "color": INK, "strokeWidth": 1},
        "encoding": {"x": at["x"], "y": {"field": "low"}, "y2": {"field": "high"}},
        "transform": [*on, *bounds],
    }
    # More names than these would lie over each other.
    said = f"datum.many <= 4 && width >= {NARROW} ? datum.label : ''"
    names = [*on, {"joinaggregate": [{"op": "count", "as": "many"}]}, {"calculate": said, "as": "said"}]
    left = "scale('x', datum.x) < width / 2"  # towards the middle, so that no name is cut
    beside = {"align": {"expr": f"{left} ? 'left' : 'right'"}, "dx": {"expr": f"{left} ? 6 : -6"}}
    name = {
        "mark": {"type": "text", "baseline": "bottom", "dy": -4, "color": INK, "limit": 190, **beside},
        "encoding": {**at, "text": {"field": "said"}},
        "transform": names,
    }
    reference = [{"filter": f"datum.level == '{DENSE}'"}]
    dense = {
        "mark": {"type": "point", "filled": True, "color": INK, "size": 60, "opacity": 1},
        "encoding": at,
        "transform": reference,
    }
    named = {
        "mark": {"type": "text", "baseline": "bottom", "align": "right", "dx": 4, "dy": -7, "color": INK},
        "encoding": {**at, "text": {"field": "level"}},
        "transform": reference,
    }
    return [steps, bars, name, dense, named]


def _words(rows: Sequence[tuple[float, Row]], error: Column, cost: Column) -> str:
    """Return the front of the pair that the picture shows in words."""
    fronts = fronts_of(rows, [error], [cost])
    on = [row for (_, row), pairs in zip(rows, fronts, strict=True) if pairs]
    means = [(row.entry, spot(error, row.figures[error.name])[0], spot(cost, row.figures[cost.name])[0]) for row in on]
    told = [f"{entry} {decimal(missed)} at {cost.text(size)}" for entry, missed, size in means]
    assert error.axis is not None
    assert cost.axis is not None
    return f"{error.axis.title.capitalize()} against {cost.axis.title}; on the front: {'; '.join(told)}."
