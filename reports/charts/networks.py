"""Every network a point: any error against any size or cost, an entry's means joined by a line."""

from collections.abc import Sequence
from typing import Any

from harness.reports.analysis.columns import Column
from harness.reports.analysis.leaderboard import Board
from harness.reports.analysis.outcomes import Outcome
from harness.reports.charts.axes import axis_of, costs_of, errors_of, placed, selects, spot, ticks_of, written
from harness.reports.charts.chart import Chart
from harness.reports.charts.looks import (
    SHOWN,
    Specification,
    entry_colour,
    entry_dash,
    entry_legend,
    entry_shape,
    framed,
    picker,
)
from harness.reports.charts.main_entries import controls, entry_order, main_entries
from harness.reports.formatting import percents
from harness.results.names import PROBE

HEIGHT = 340


def networks(board: Board) -> Chart | None:
    """Return the chart, None where nothing is done."""
    cells = [cell for cell in board.cells if cell.done and cell.entry != PROBE]
    figures = [{column.name: column.each(cell) for column in board.columns if column.axis} for cell in cells]
    errors, costs = errors_of(figures, board.columns), costs_of(figures, board.columns)
    if not errors or not costs:
        return None
    main = main_entries(board)
    order, there = entry_order(board), {cell.entry for cell in cells}
    entries = [entry for entry in order if entry in there]
    values = _values(cells, entries, main, [*errors, *costs])
    ticks = {cost.name: ticks_of(cost, [one for row in values for one in _all(row[cost.name])]) for cost in costs}
    return Chart(
        name="networks",
        title="Each network a point",
        caption=f"A point is one network ({'a seed of a fold' if board.design.folded else 'a seed'}), hollow where it "
        "collapsed; a line joins an entry's means. Pick any entry to see its networks.",
        words="The error of each network against its size or cost; cells.csv holds the same numbers.",
        specification=framed(
            *_layers(entries, order, main, controls(board), folded=board.design.folded),
            height=HEIGHT,
            data={"name": "entries", "values": values},
            transform=_transform(percents(_levels(cells))),
            params=selects(errors, costs),
            encoding={"x": axis_of(costs, "across", ticks), "y": axis_of(errors, "up")},
        ),
    )


_FACTS = ("fold", "seed", "collapsed")
"""Left out of the data where they are 0 throughout."""


def _levels(cells: Sequence[Outcome]) -> list[float]:
    return sorted({cell.density for cell in cells}, reverse=True)


def _values(
    cells: Sequence[Outcome], entries: Sequence[str], main: Sequence[str], axes: Sequence[Column]
) -> list[Specification]:
    """Return a row for each entry, its networks in lists."""
    levels = _levels(cells)
    found = []
    for entry in entries:
        own = [cell for cell in cells if cell.entry == entry]
        facts = {
            "fold": [cell.fold for cell in own],
            "seed": [cell.seed for cell in own],
            "collapsed": [int(cell.collapsed) for cell in own],
        }
        place = [levels.index(cell.density) for cell in own]
        known = {name: values for name, values in facts.items() if any(values)}
        at = {
            column.name: _by_level(place, [written(spot(column, column.each(cell))[0], 3) for cell in own])
            for column in axes
        }
        found.append({"entry": entry, "main": entry in main, "place": place, **known, **at})
    return found


def _by_level(place: Sequence[int], values: list[float | None]) -> Any:
    """Return values by their networks or, where those of each level are the same, by their levels."""
    of = {level: {value for own, value in zip(place, values, strict=True) if own == level} for level in place}
    if any(len(own) > 1 for own in of.values()):
        return values
    return {"by": [next(iter(of.get(level, {None}))) for level in range(max(place) + 1)]}


def _all(values: Any) -> list[float | None]:
    return list(values["by"] if isinstance(values, dict) else values)


def _transform(levels: Sequence[str]) -> list[Specification]:
    """Return what makes a row a network at its place."""
    x, y = (f"(datum[{axis}].by || datum[{axis}])[datum[{axis}].by ? datum.level_at : datum.at]" for axis in _AXES)
    return [
        {"filter": SHOWN},
        {"calculate": "sequence(length(datum.place))", "as": "number"},
        *({"calculate": f"isArray(datum.{name}) ? datum.{name} : [0]", "as": f"{name}s"} for name in _FACTS),
        {
            "flatten": ["number", "place", *(f"{name}s" for name in _FACTS)],
            "as": ["at", "level_at", *(f"one_{name}" for name in _FACTS)],
        },
        # What is left out comes as nothing.
        *({"calculate": f"+datum.one_{name}", "as": f"its_{name}"} for name in _FACTS),
        {"calculate": f"{[*levels]!r}[datum.level_at]", "as": "level"},
        *placed(x, y),
    ]


_AXES = ("across", "up")


def _layers(
    entries: Sequence[str], order: Sequence[str], main: Sequence[str], control: set[str], *, folded: bool
) -> list[Specification]:
    """Return the line through each entry's means and the point of each network."""
    colour = entry_colour(order, control) | {"legend": entry_legend(main)}
    line = {
        "mark": {"type": "line", "strokeWidth": 1.6},
        "encoding": {
            "x": {"field": "x"},
            "y": {"field": "y"},
            "color": colour,
            "strokeDash": entry_dash(order, control),
            "order": {"field": "x"},
        },
        "transform": [
            {
                "aggregate": [{"op": "mean", "field": "x", "as": "x"}, {"op": "mean", "field": "y", "as": "y"}],
                "groupby": ["entry", "level"],
            }
        ],
    }
    told = {"entry": "entry", **({"its_fold": "fold"} if folded else {}), "its_seed": "seed", "level": "level"}
    points = {
        "mark": {"type": "point", "size": 40, "strokeWidth": 1.3},
        "encoding": {
            "x": {"field": "x"},
            "y": {"field": "y"},
            "color": colour,
            "shape": entry_shape(order, control) | {"legend": entry_legend(main)},
            "fill": colour,
            "fillOpacity": {"condition": {"test": "datum.its_collapsed", "value": 0}, "value": 0.7},
            "tooltip": [
                *({"field": field, "title": title} for field, title in told.items()),
                {"field": "x", "format": ".4~g"},
                {"field": "y", "format": ".3~g"},
            ],
        },
        "params": [picker(entries)],
    }
    return [line, points]
