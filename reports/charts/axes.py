"""The axes of the trade-offs, which a reader chooses: every error, size and cost of the leaderboard's columns."""

import json
import math
from collections.abc import Mapping, Sequence

from harness.reports.analysis.columns import Axis, Column, Figure
from harness.reports.analysis.estimates import Estimate, Rate
from harness.reports.charts.looks import Specification, upright
from harness.results.names import SENSITIVITY

REMAINING = "remaining"

Figures = Mapping[str, Figure]
Spot = tuple[float, float, float]
"""A value with the ends of its interval, NaN where not known."""


def errors_of(rows: Sequence[Figures], every: Sequence[Column]) -> list[Column]:
    """Return the errors that are known of a row at least; what no cut decides first, which a still picture shows."""
    return sorted(_known(rows, every, ("error",)), key=lambda column: column.name != SENSITIVITY)


def costs_of(rows: Sequence[Figures], every: Sequence[Column]) -> list[Column]:
    """Return the sizes and costs that are known of a row at least."""
    return _known(rows, every, ("size", "cost"))


def _known(rows: Sequence[Figures], every: Sequence[Column], kinds: Sequence[str]) -> list[Column]:
    return [
        column
        for column in every
        if column.axis and column.axis.kind in kinds and any(_is_known(row[column.name]) for row in rows)
    ]


def _is_known(figure: Figure) -> bool:
    return isinstance(figure, Estimate | Rate) or (figure is not None and figure == figure)


def spot(column: Column, figure: Figure) -> Spot:
    """Return a figure as an error, size or cost with its interval."""
    if isinstance(figure, Estimate):
        value, (low, high) = figure.value, figure.method or figure.these
    elif isinstance(figure, Rate):
        value, low, high = figure.share, figure.low, figure.high
    else:
        value, low, high = (math.nan if figure is None else figure), math.nan, math.nan
    return (1 - value, 1 - high, 1 - low) if _axis(column).rest else (value, low, high)


def written(value: float, digits: int = 4) -> float | None:
    """Return a number to so many digits, None where it is not known."""
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None


def selects(errors: Sequence[Column], costs: Sequence[Column]) -> list[Specification]:
    """Return the lists that a reader picks the axes from: ``up`` of the errors, ``across`` of the others."""
    return [_select("up", "Error ", errors), _select("across", "against ", costs)]


def _select(name: str, said: str, every: Sequence[Column]) -> Specification:
    choices = [column.name for column in every]
    titles = [axis.title for axis in map(_axis, every)]
    return {
        "name": name,
        "value": choices[0],
        "bind": {"input": "select", "options": choices, "labels": titles, "name": said},
    }


def pair(errors: Sequence[Column], costs: Sequence[Column]) -> Specification:
    """Return the number of the pair that is shown: cost by cost, the errors within."""
    ups, acrosses = (json.dumps([column.name for column in every]) for every in (errors, costs))
    return {"name": "pair", "expr": f"indexof({acrosses}, across) * {len(errors)} + indexof({ups}, up)"}


def placed(x: str, y: str) -> list[Specification]:
    """Return what gives a row its place, by expressions; a row that a logarithmic axis cannot show has none."""
    known = "isValid(datum.x) && datum.x > 0 && isValid(datum.y)"
    return [{"calculate": x, "as": "x"}, {"calculate": y, "as": "y"}, {"filter": known}]


def axis_of(every: Sequence[Column], name: str, ticks: Mapping[str, Sequence[float]] | None = None) -> Specification:
    """Return the axis that shows what the parameter ``name`` picked, with its title and its ticks.

    It is logarithmic, with a tick at each of ``ticks`` of a column, where these are given.
    """
    axes = {column.name: _axis(column) for column in every}
    titles = json.dumps({one: axis.title for one, axis in axes.items()})
    marks = json.dumps({one: axis.mark for one, axis in axes.items()})
    drawn: Specification = {
        # Vega-Lite hands a signal on to Vega, which has the title change.
        "title": {"signal": f"({titles})[{name}]"},
        "labelExpr": f"format(datum.value, ({marks})[{name}])",
        "tickCount": 6,
        "gridDash": [1, 3],
    }
    if ticks is None:
        scale = {"zero": False, "nice": True, "padding": 8}
        return {"type": "quantitative", "scale": scale, "axis": drawn | upright(34)}
    labels = {one: [axes[one].named(tick) for tick in own] for one, own in ticks.items()}
    drawn |= {
        "values": {"expr": f"({json.dumps(ticks)})[{name}]"},
        "labelExpr": f"({json.dumps(labels)})[{name}][indexof(({json.dumps(ticks)})[{name}], datum.value)]",
        "labelOverlap": "greedy",
        "labelFlush": False,
        "labelSeparation": 4,
    }
    return {"type": "quantitative", "scale": {"type": "log", "nice": False, "padding": 16}, "axis": drawn}


def ticks_of(column: Column, values: Sequence[float | None]) -> list[float]:
    """Return the ticks of a logarithmic axis: the values where they are few, or halvings of shares, or 1, 2, 5."""
    known = sorted({value for value in values if value})
    if column.name == REMAINING or len(known) <= FEW:
        return known
    steps = [2.0**power for power in range(-20, 4)] if _axis(column).share else _STEPS
    return [step for step in steps if known[0] / 1.3 <= step <= known[-1] * 1.3]


FEW = 6
_STEPS = [digit * 10.0**power for power in range(-2, 9) for digit in (1, 2, 5)]


def _axis(column: Column) -> Axis:
    assert column.axis is not None
    return column.axis
