"""Panels against the network's size, one for each column of the leaderboard that has one."""

import math
from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from harness.reports.analysis import columns
from harness.reports.analysis.columns import Column, EstimateColumn
from harness.reports.analysis.estimates import Estimate
from harness.reports.analysis.leaderboard import Board
from harness.reports.analysis.outcomes import Outcome
from harness.reports.charts.size_axis import placed, size, switch, switched, titled
from harness.reports.formatting import points
from harness.results.names import DENSE, PROBE, SENSITIVITY

# Okabe and Ito (2008), with brown for yellow, which is faint on white. Eight colours and seven shapes share
# no factor, so that 56 entries differ in one or the other.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#1b232c", "#8C564B"]
GREY, RULE = "#9aa3ad", "#5a6672"
SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right"]


def drawn_values(cells: Sequence[Outcome]) -> pd.DataFrame:
    """Return what is drawn, a row per done cell, with the value of each panel.

    Beside these: entry, fold, seed, control, remaining (%), flops (%), collapsed. ``flops`` is NaN where it is not
    known or 0, which a logarithmic axis cannot show; ``mean_flops`` is that of the entry at this level. The probe has
    one level and no line: it is left to the tables.
    """
    rows = [
        {
            "entry": cell.entry,
            "fold": cell.fold,
            "seed": cell.seed,
            "control": cell.control,
            "remaining": 100 * cell.density,
            "flops": 100 * cell.flops_left if cell.flops_left > 0 else math.nan,
            "collapsed": cell.collapsed,
            **{column.panel.field: column.each(cell) for column in columns.COLUMNS if column.panel},
        }
        for cell in cells
        if cell.done and cell.entry != PROBE
    ]
    if not rows:
        return pd.DataFrame()
    found = pd.DataFrame(rows)
    means = found.groupby(["entry", "remaining"])["flops"].transform("mean")
    # Rounded, so that seeds with as many FLOPs make one point of the line.
    return found.assign(mean_flops=means.round(9))


def charts(board: Board) -> dict[str, Any] | None:
    """Return the Vega-Lite specification of one group's panels, None where no cell is done.

    A radio button switches the axis from remaining weights, which a still picture shows, to FLOPs left; there is none
    where no FLOPs are known.
    """
    data = drawn_values(board.cells)
    if data.empty:
        return None
    chosen = alt.selection_point(fields=["entry"], bind="legend", name="chosen")
    panels: list[Any] = []
    for column in columns.COLUMNS:
        if column.panel and data[column.panel.field].notna().any():
            lines, points = _layers(data, column.panel, chosen)
            # One layer declares the selection, all obey it.
            marks = [lines, points if panels else points.add_params(chosen)]
            panels.append(alt.layer(*_rules(board, column), *marks))
    # Flush, so that panels stand below each other whatever is written beside them.
    pairs = [alt.hconcat(*panels[start : start + 2], spacing=90, bounds="flush") for start in range(0, len(panels), 2)]
    rows = alt.vconcat(*pairs, spacing=28)
    if switched(data):
        rows = rows.add_params(switch())
    with alt.data_transformers.enable("default", max_rows=None):
        specification: dict[str, Any] = rows.resolve_scale(color="shared", shape="shared", fill="shared").to_dict()
    return titled(specification | {"config": LOOKS}) if switched(data) else specification | {"config": LOOKS}


def levels_of(board: Board, column: Column) -> dict[str, float]:
    """Return the heights of a panel's rules by what they say: the dense mean and, of sensitivity, the loss too large.

    Missed positives and false alarms at the deployed cut have none: each says little without the other.
    """
    dense = column.over([cell for cell in board.cells if cell.entry == DENSE and cell.done])
    if not isinstance(column, EstimateColumn) or not isinstance(dense, Estimate):
        return {}
    delta = board.terms.delta
    margin = {f"dense \N{MINUS SIGN} {points(delta)}": dense.value - delta} if column.name == SENSITIVITY else {}
    return {DENSE: dense.value, **margin}


def _rules(board: Board, column: Column) -> list[alt.Chart]:
    """Return a labelled rule for each of a panel's levels, dashed where it is a margin."""
    found = []
    for said, height in levels_of(board, column).items():
        data = pd.DataFrame({"height": [height], "said": [said]})
        base = alt.Chart(data).encode(y=alt.Y("height:Q", title=None))
        found.append(base.mark_rule(color=RULE, strokeDash=[1, 0] if said == DENSE else [5, 4]))
        text = base.mark_text(align="left", dx=5, color=RULE, fontSize=11)
        found.append(text.encode(x=alt.value("width"), text="said:N"))
    return found


def _layers(data: pd.DataFrame, panel: columns.Panel, chosen: alt.Parameter) -> tuple[alt.Chart, alt.Chart]:
    """Return the line through each entry's means and the point of each network, hollow where it collapsed."""
    colour, shape = _by_entry(data)
    shown = alt.when(chosen).then(alt.value(1)).otherwise(alt.value(0.08))
    base = alt.Chart(data, title=panel.title, width=470, height=270).encode(x=size(data), color=colour, opacity=shown)
    lines = placed(base, data, "mean_flops").mark_line(strokeWidth=1.6).encode(y=_value(f"mean({panel.field})", panel))
    points = (
        placed(base, data, "flops")
        .mark_point(size=48, strokeWidth=1.4)
        .encode(
            y=_value(panel.field, panel),
            shape=shape,
            fill=alt.Fill("entry:N", scale=colour["scale"]),
            fillOpacity=alt.condition("datum.collapsed", alt.value(0), alt.value(0.85)),
            tooltip=[
                alt.Tooltip("entry:N"),
                *([alt.Tooltip("fold:O")] if data["fold"].any() else []),
                alt.Tooltip("seed:O"),
                alt.Tooltip("remaining:Q", format=".3~g", title="remaining %"),
                alt.Tooltip("flops:Q", format=".3~g", title="FLOPs left %"),
                alt.Tooltip(f"{panel.field}:Q", format=".3f", title=panel.title),
                alt.Tooltip("collapsed:N"),
            ],
        )
    )
    return lines, points


def _value(field: str, panel: columns.Panel) -> alt.Y:
    return alt.Y(
        f"{field}:Q",
        title=None,
        axis=alt.Axis(format=panel.axis, tickCount=6),
        scale=alt.Scale(zero=panel.from_zero, nice=True),
    )


def _by_entry(data: pd.DataFrame) -> tuple[alt.Color, alt.Shape]:
    """Return each entry's colour, grey for controls, and shape."""
    entries = sorted(data["entry"].unique().tolist(), key=lambda entry: (entry != DENSE, entry))
    controls = set(data.loc[data["control"], "entry"])
    colours = [GREY if entry in controls else COLOURS[index % len(COLOURS)] for index, entry in enumerate(entries)]
    shapes = [SHAPES[index % len(SHAPES)] for index, _ in enumerate(entries)]
    return (
        alt.Color("entry:N", scale=alt.Scale(domain=entries, range=colours)),
        alt.Shape("entry:N", scale=alt.Scale(domain=entries, range=shapes)),
    )


LOOKS: dict[str, Any] = {
    "font": "system-ui, sans-serif",
    "background": "white",
    "view": {"stroke": None},
    "axis": {
        "gridColor": "#e6e8eb",
        "domainColor": "#9aa3ad",
        "tickColor": "#9aa3ad",
        "labelColor": "#3d4650",
    },
    "title": {"fontSize": 13, "anchor": "start", "frame": "group", "color": "#1b232c", "fontWeight": 600},
    "legend": {"orient": "bottom", "columns": 4, "labelLimit": 260, "symbolSize": 90, "title": None},
}
