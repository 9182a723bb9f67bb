"""Where the pruning took the weights: the layers of one entry by level as a heat map, and which it emptied."""

from collections.abc import Sequence

from harness.reports.analysis.layers import LayerCell, LayerRow, LayerTable, layers_of
from harness.reports.analysis.leaderboard import Board
from harness.reports.charts.chart import Chart
from harness.reports.charts.looks import INK, LETTERS, NARROW, Specification, framed
from harness.reports.charts.main_entries import main_entries
from harness.reports.formatting import percents

ROW = 17
"""Height of a layer in pixels."""

NONE = "\N{MULTIPLICATION SIGN}"

PALE, FULL = "#f4f8fb", "#7fb3d8"
"""Colours of hardly a weight and of all of them; ink is legible on both."""


def layers(board: Board) -> Chart | None:
    """Return the heat map of the entry that a reader picks, None where no layer was counted."""
    table = layers_of(board.cells)
    if not table.entries:
        return None
    rows = dict(table.entries)
    main = [entry for entry in main_entries(board) if entry in rows]
    entries = [*main, *sorted(rows.keys() - set(main))]
    return Chart(
        name="layers",
        title="Remaining weights of each layer",
        caption=f"The share of a layer's weights that is left, in percent, mean over networks. {NONE}: no weight left "
        f"in any network; a number with {NONE}: none left in some.",
        words=f"The layers of {entries[0]} by level: {_words(table, rows[entries[0]])}.",
        specification=_specification(table, rows, entries),
    )


def _words(table: LayerTable, rows: Sequence[LayerRow]) -> str:
    """Return the emptied layers in words."""
    emptied = [
        f"{row.name} at {level}"
        for row in rows
        for level, cell in zip(percents(table.levels), row.cells, strict=True)
        if cell and cell.empty
    ]
    return f"none left in a network of {', '.join(emptied)}" if emptied else "no layer is emptied"


def _specification(table: LayerTable, rows: dict[str, tuple[LayerRow, ...]], entries: Sequence[str]) -> Specification:
    levels = percents(table.levels)
    spread = [
        {"filter": "datum.entry == entry"},
        {"flatten": ["layer", "left", "empty"]},
        {"window": [{"op": "row_number", "as": "order"}]},
        {"calculate": f"{levels!r}", "as": "level"},
        {"calculate": "isArray(datum.empty) ? datum.empty : []", "as": "emptied"},
        {"flatten": ["level", "left", "emptied"]},
        {"calculate": "datum.left != null ? format(datum.left, '.3~r') : ''", "as": "share"},
        {
            "calculate": f"!datum.emptied ? datum.share : datum.left ? datum.share + ' {NONE}' : '{NONE}'",
            "as": "said",
        },
    ]
    values = [
        {
            "entry": entry,
            "layer": [row.name for row in rows[entry]],
            "left": [[_left(cell) for cell in row.cells] for row in rows[entry]],
            "empty": [_empty(row) for row in rows[entry]],
        }
        for entry in entries
    ]
    picked = {"input": "select", "options": list(entries), "name": "Entry "}
    return framed(
        *_layers(),
        height={"step": ROW},
        autosize={"type": "fit-x", "contains": "padding"},
        # A browser's letters may be wider than those of who laid out the picture.
        padding={"left": 16, "right": 6, "top": 6, "bottom": 6},
        data={"name": "layers", "values": values},
        transform=spread,
        params=[{"name": "entry", "value": entries[0], "bind": picked}],
        encoding={
            "x": {
                "field": "level",
                "type": "ordinal",
                "sort": levels,
                "axis": {
                    "title": None,
                    "orient": "top",
                    "labelAngle": 0,
                    "labelExpr": f"width < {NARROW} ? replace(datum.label, '%', '') : datum.label",
                    "domain": False,
                    "ticks": False,
                },
            },
            "y": {
                "field": "layer",
                "type": "ordinal",
                "sort": {"field": "order"},
                "axis": {
                    "title": None,
                    "domain": False,
                    "ticks": False,
                    "labelLimit": 240,
                    "labelExpr": f"width < {NARROW} && length(datum.label) > 16 "
                    "? slice(datum.label, 0, 5) + '\N{HORIZONTAL ELLIPSIS}' + slice(datum.label, -10) : datum.label",
                },
            },
        },
    )


def _layers() -> list[Specification]:
    """Return the cells and what stands in them."""
    colour = {
        "field": "left",
        "type": "quantitative",
        "legend": None,
        # From a tenth of a percent: most levels lie below a tenth of the weights.
        "scale": {"type": "log", "domain": [0.1, 100], "range": [PALE, FULL], "clamp": True},
    }
    cells = {
        "mark": {"type": "rect", "stroke": "white", "tooltip": {"expr": "datum.layer + ', ' + datum.level"}},
        "encoding": {"color": colour},
    }
    said = {"mark": {"type": "text", "color": INK, "fontSize": LETTERS}, "encoding": {"text": {"field": "said"}}}
    return [cells, said]


def _left(cell: LayerCell | None) -> float | None:
    """Return the share that is left in percent, to three digits."""
    return None if cell is None else float(f"{100 * cell.left:.3g}")


def _empty(row: LayerRow) -> int | list[int]:
    """Return in how many networks the layer is empty, by level; 0 where it nowhere is, as most are."""
    counts = [cell.empty if cell else 0 for cell in row.cells]
    return counts if any(counts) else 0
