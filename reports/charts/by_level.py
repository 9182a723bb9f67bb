"""Curves of every entry at the level that a reader picks: the main ones in colour, any other by a list or a click."""

from collections.abc import Callable, Mapping, Sequence

from harness.reports.analysis.leaderboard import Board
from harness.reports.analysis.outcomes import Outcome
from harness.reports.charts.looks import (
    GREY,
    OF_CONTROLS,
    RULE,
    SHOWN,
    Specification,
    entry_colour,
    entry_dash,
    entry_legend,
    framed,
    picker,
)
from harness.reports.charts.main_entries import controls, entry_order, main_entries
from harness.reports.formatting import percents
from harness.results.names import DENSE, PROBE

HEIGHT = 340
Curve = Sequence[Sequence[float]]
"""Lists of equal length: x and y, or y alone."""


def level_shown(board: Board) -> float | None:
    """Return the level that a still picture shows: the smallest safe one, or the largest; None without any."""
    safe = [one.density for one in board.verdicts if one.density is not None and one.density < 1 and not one.control]
    pruned = [level.density for level in board.levels if level.density < 1]
    return min(safe) if safe else max(pruned, default=None)


def curves_of(board: Board, of: Callable[[Sequence[Outcome]], Curve]) -> dict[str, list[Curve | None]]:
    """Return what ``of`` gives of each entry at each pruned level, densest first; of dense, the same at each.

    None where an entry has no network at a level.
    """
    done = [cell for cell in board.cells if cell.done and cell.entry != PROBE]
    levels = [level.density for level in board.levels if level.density < 1]
    found: dict[str, list[Curve | None]] = {}
    for entry in dict.fromkeys(cell.entry for cell in done):
        of_entry = [cell for cell in done if cell.entry == entry]
        if entry == DENSE:
            found[entry] = [of(of_entry)] * len(levels)
        else:
            own = [[cell for cell in of_entry if cell.density == level] for level in levels]
            found[entry] = [of(cells) if cells else None for cells in own]
    return {entry: curves for entry, curves in found.items() if any(curves)}


def by_level(
    board: Board,
    curves: Mapping[str, Sequence[Curve | None]],
    *,
    grid: Sequence[float] | None,
    unit: int,
    axes: Mapping[str, Specification],
    rules: Sequence[Specification] = (),
    points: bool = False,
) -> Specification:
    """Return the view of ``curves``, each its values of x and y, or of y alone at those of a common ``grid``.

    ``axes`` are those of x and y, ``rules`` lie below all. Values are kept as whole numbers, so many a ``unit``.
    """
    levels = [level.density for level in board.levels if level.density < 1]
    main = [entry for entry in (*main_entries(board), DENSE) if entry in curves]
    order = entry_order(board)
    entries = [entry for entry in order if entry in curves]
    control = controls(board)
    fields = ("xs", "ys") if grid is None else ("ys",)
    values = [
        {
            "entry": entry,
            "main": entry in main,
            "control": entry in control,
            **{
                name: [None if one is None else [round(unit * value) for value in one[place]] for one in curves[entry]]
                for place, name in enumerate(fields)
            },
        }
        for entry in entries
    ]
    names = percents(levels)
    picked = {"input": "select", "options": list(range(len(names))), "labels": names, "name": "Remaining weights "}
    on_grid = [] if grid is None else [{"calculate": str([round(unit * value) for value in grid]), "as": "xs_at"}]
    return framed(
        *rules,
        *_lines(entries, order, main, control, points=points),
        height=HEIGHT,
        data={"name": "entries", "values": values},
        transform=[
            # Under other names: at another level Vega computes them anew from what is there.
            *({"calculate": f"datum.{name}[level]", "as": f"{name}_at"} for name in fields),
            {"filter": "isArray(datum.ys_at)"},
            *on_grid,
            {"flatten": ["xs_at", "ys_at"], "as": ["across", "up"]},
            *({"calculate": f"datum.{name} / {unit}", "as": field} for field, name in (("x", "across"), ("y", "up"))),
        ],
        params=[{"name": "level", "value": levels.index(level_shown(board) or levels[0]), "bind": picked}],
        encoding={name: {"type": "quantitative", **axes[name]} for name in ("x", "y")},
    )


def _lines(
    entries: Sequence[str], order: Sequence[str], main: Sequence[str], control: set[str], *, points: bool
) -> list[Specification]:
    at = {"x": {"field": "x"}, "y": {"field": "y"}}
    line = {"type": "line", "color": GREY}
    each = {**at, "order": {"field": "x"}, "detail": {"field": "entry"}}
    dashed = {"condition": {"test": "datum.control", "value": list(OF_CONTROLS)}, "value": [1, 0]}
    others = {
        "mark": {**line, "strokeWidth": 1, "opacity": 0.5},
        "encoding": {**each, "strokeDash": dashed},
    }
    hit = {
        "mark": {**line, "strokeWidth": 9, "opacity": 0.001, "tooltip": {"expr": "datum.entry"}},
        "encoding": each,
        "params": [picker(entries)],
    }
    legend = {"legend": entry_legend(main, lines=True)}
    colour, dash = entry_colour(order, control) | legend, entry_dash(order, control) | legend
    shown = {
        "mark": {"type": "line", "strokeWidth": 2},
        "encoding": {**at, "order": {"field": "x"}, "color": colour, "strokeDash": dash},
        "transform": [{"filter": SHOWN}],
    }
    told = [{"field": "entry"}, *({"field": name, "format": ".3~f"} for name in ("x", "y"))]
    dots = {
        "mark": {"type": "point", "filled": True, "size": 30, "opacity": 1},
        "encoding": {**at, "color": colour, "tooltip": told},
        "transform": [{"filter": SHOWN}],
    }
    return [others, hit, shown, *([dots] if points else [])]


def diagonal(x: tuple[float, float] = (0, 1), y: tuple[float, float] = (0, 1)) -> Specification:
    """Return the line from one corner to the other: guessing, or probabilities that are right."""
    ends = [{"x": one, "y": other} for one, other in zip(x, y, strict=True)]
    return {
        "data": {"values": ends},
        "transform": [],
        "mark": {"type": "line", "color": RULE, "strokeDash": [2, 3], "strokeWidth": 1},
        "encoding": {"x": {"field": "x"}, "y": {"field": "y"}},
    }
