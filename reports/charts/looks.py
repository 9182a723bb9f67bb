"""What all charts look like: colours, dashes, labels and letters that can be told apart, in grey and in print, too."""

from collections.abc import Sequence
from typing import Any

from harness.reports.formatting import percents
from harness.results.names import DENSE

Specification = dict[str, Any]

# Okabe and Ito (2008), with brown for yellow, which is faint on white, and wine for black, which is dense. Eight
# colours and seven dashes or shapes share no factor, so that 56 entries differ in one or the other.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8C564B", "#E69F00", "#56B4E9", "#882255")
DASHES = ((1, 0), (7, 3), (2, 2), (9, 3, 2, 3), (4, 2), (12, 4), (6, 2, 2, 2, 2, 2))
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right")
GREY, RULE, INK, LINE = "#8b949e", "#5a6672", "#1b232c", "#e6e8eb"
OF_CONTROLS = (3, 3)

NARROW = 420
"""A chart below so many pixels is drawn for a telephone or a column of a paper."""

LETTERS = 12
"""Height of letters in pixels; none is smaller."""

CONFIG: Specification = {
    # Letters as wide in a browser as where a picture is laid out, which has Liberation Sans.
    "font": "Arial, Helvetica, Liberation Sans, sans-serif",
    "background": "transparent",
    # The figure's own words describe it; a thousand marks read out would not.
    "aria": False,
    "view": {"stroke": None},
    "axis": {
        "gridColor": LINE,
        "domainColor": GREY,
        "tickColor": GREY,
        "labelColor": "#3d4650",
        "labelFontSize": LETTERS,
        "titleFontSize": LETTERS,
        "titleFontWeight": "normal",
        "titleColor": "#3d4650",
    },
    "text": {"fontSize": LETTERS},
    "legend": {"labelFontSize": LETTERS, "titleFontSize": LETTERS, "labelLimit": 260, "title": None},
}


def framed(*layers: Specification, height: int | Specification, **more: Any) -> Specification:
    """Return one view of layers, as wide as what holds it."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": "container",
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "config": CONFIG,
        **more,
        "layer": list(layers),
    }


def entry_colour(entries: Sequence[str], controls: set[str]) -> Specification:
    """Return the colour of each entry by its place, grey for controls."""
    return _by_entry(entries, controls, COLOURS, RULE, INK)


def entry_dash(entries: Sequence[str], controls: set[str]) -> Specification:
    """Return the dash of each entry by its place; controls share theirs."""
    return _by_entry(entries, controls, DASHES, OF_CONTROLS, DASHES[0])


def entry_shape(entries: Sequence[str], controls: set[str]) -> Specification:
    """Return the shape of each entry's points by its place; controls share theirs."""
    return _by_entry(entries, controls, SHAPES, "stroke", SHAPES[0])


def look_of(order: Sequence[str], controls: set[str], entry: str) -> Specification:
    """Return colour and dash of one entry as fields of its row, for `OWN_COLOUR` and `OWN_DASH`."""
    place = order.index(entry)
    scales = (entry_colour(order, controls), entry_dash(order, controls))
    return {name: look["scale"]["range"][place] for name, look in zip(("colour", "dash"), scales, strict=True)}


OWN_COLOUR: Specification = {"field": "colour", "type": "nominal", "scale": None}
OWN_DASH: Specification = {"field": "dash", "type": "nominal", "scale": None}


def _by_entry(
    entries: Sequence[str], controls: set[str], looks: Sequence[Any], of_controls: Any, of_dense: Any
) -> Specification:
    found = [
        of_dense if entry == DENSE else of_controls if entry in controls else looks[place % len(looks)]
        for place, entry in enumerate(entries)
    ]
    return {"field": "entry", "type": "nominal", "legend": None, "scale": {"domain": list(entries), "range": found}}


def picker(entries: Sequence[str]) -> Specification:
    """Return the selection of an entry, by the keyboard in a list or by a click on its line."""
    bound = {"entry": {"input": "select", "options": [None, *entries], "labels": ["by the answer", *entries]}}
    bound["entry"]["name"] = "Highlight "
    return {"name": "picked", "select": {"type": "point", "fields": ["entry"]}, "bind": bound}


SHOWN: Specification = {
    "or": [{"param": "picked", "empty": False}, {"and": ["datum.main", {"param": "picked", "empty": True}]}]
}
"""Which entries have colour, band and label: those picked, or the main ones as long as none is."""


def levels_axis(levels: Sequence[float], room: str) -> Specification:
    """Return the axis of remaining weights, densities, dense at the left, ticks named as in the tables.

    ``room`` is the parameter with the pixels that are kept for labels at the right. A layer names its field.
    """
    return {
        "type": "quantitative",
        "scale": {
            "type": "log",
            "reverse": True,
            "nice": False,
            "domain": reach(levels),
            "range": [22, {"expr": f"width - {room} - 8"}],
        },
        "axis": {
            "title": "remaining weights",
            "values": list(levels),
            "labelExpr": _named(levels),
            "grid": False,
            "labelOverlap": "parity",
            "labelFlush": False,
            "labelSeparation": 4,
        },
    }


def reach(levels: Sequence[float]) -> list[float]:
    """Return the ends of a logarithmic axis, apart from each other where there is one level alone."""
    low, high = min(levels), max(levels)
    return [low, high] if low < high else [low / 1.5, high * 1.5]


def _named(levels: Sequence[float]) -> str:
    """Return the expression that names a tick by the level next to it."""
    found = "''"
    for level, name in zip(levels, percents(levels), strict=True):
        found = f"abs(datum.value - {level!r}) < {level * 1e-6!r} ? '{name}' : {found}"
    return found


def brief(text: str, letters: int) -> str:
    """Return a text of at most so many letters, with its beginning and its end, which tell entries apart."""
    if len(text) <= letters:
        return text
    tail = (letters - 1) // 2
    return f"{text[: letters - 1 - tail]}\N{HORIZONTAL ELLIPSIS}{text[-tail:]}"


def spread(heights: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return places near ``heights`` that lie ``gap`` apart within ``low`` and ``high``, in the same order.

    Where there is no room for all, they lie as far apart as there is room for.
    """
    gap = min(gap, (high - low) / max(1, len(heights) - 1))
    order = sorted(range(len(heights)), key=lambda one: heights[one])
    found = [0.0] * len(heights)
    floor = low
    for one in order:
        found[one] = floor = max(heights[one], floor)
        floor += gap
    ceiling = high
    for one in reversed(order):
        found[one] = ceiling = min(found[one], ceiling)
        ceiling -= gap
    return found


def entry_legend(entries: Sequence[str], *, lines: bool = False) -> Specification:
    """Return the legend of these entries, below the chart, their symbols being of ``lines`` or of points."""
    columns = {"expr": f"width < {NARROW} ? 1 : 3"}
    symbol = {"symbolType": "stroke", "symbolSize": 420, "symbolStrokeWidth": 2} if lines else {}
    legend = {"values": list(entries), "orient": "bottom", "columns": columns, "labelLimit": 180, "columnPadding": 16}
    return {**legend, "symbolOpacity": 1, **symbol}


def upright(pixels: int) -> Specification:
    """Return what puts the title of the axis upwards above it, from so many pixels left of it."""
    return {
        "titleAngle": 0,
        "titleAlign": "left",
        "titleBaseline": "bottom",
        "titleX": -pixels,
        "titleY": -8,
    }
