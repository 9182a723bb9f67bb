"""How the differences to dense are drawn: margin, thin lines, the lines in colour with their bands, names."""

from collections.abc import Sequence

from harness.reports.charts.looks import (
    GREY,
    INK,
    NARROW,
    OF_CONTROLS,
    OWN_COLOUR,
    OWN_DASH,
    RULE,
    SHOWN,
    Specification,
    picker,
    reach,
)
from harness.reports.formatting import points

MINUS = "\N{MINUS SIGN}"


AXIS: Specification = {
    "title": None,
    "tickCount": 6,
    # With the sign of minus, and 0 by what it stands for.
    "labelExpr": f"datum.value == 0 ? 'dense' : (datum.value > 0 ? '+' : '{MINUS}') + format(abs(datum.value), '~g')",
    "gridDash": {"condition": {"test": "datum.value == 0", "value": []}, "value": [1, 3]},
    "gridColor": {"condition": {"test": "datum.value == 0", "value": RULE}, "value": "#cfd4da"},
}


def flat(levels: Sequence[float]) -> list[Specification]:
    """Return what makes a row a level, entries beside each other, so that their intervals can be told apart."""
    low, high = reach(levels)
    place = f"datum.density * pow({(high / low) ** (1 / 90)!r}, -datum.shift)"
    return [{"flatten": ["density", "value", "low", "high"]}, {"calculate": place, "as": "place"}]


_BESIDE: Specification = {"value": {"expr": "width - room + 10"}}


def margin_line(margin: float, at: float) -> list[Specification]:
    """Return the loss that is too large as a dashed line, named ``at`` a height; the dense network is the line at 0."""
    data = {"values": [{"margin": margin, "at": at}]}
    rule = {"type": "rule", "color": INK, "strokeDash": [6, 4]}
    text = {
        "type": "text",
        "align": "left",
        "dx": 3,
        "color": INK,
        "text": f"margin {points(margin / 100).partition(' ')[0]}",
    }
    across = {"x": {"value": 0}, "x2": _BESIDE, "y": {"field": "margin"}}
    return [
        {"data": data, "mark": rule, "encoding": across},
        {"data": data, "mark": text, "encoding": {"x": _BESIDE, "y": {"field": "at"}}},
    ]


def others(entries: Sequence[str], flat: list[Specification]) -> list[Specification]:
    """Return all entries as thin grey lines, controls dashed, and wide ones unseen for a pointer to hit."""
    line = {"type": "line", "color": GREY}
    encoding = {"x": {"field": "place"}, "y": {"field": "value"}, "detail": {"field": "entry"}}
    dashed = {"condition": {"test": "datum.control", "value": list(OF_CONTROLS)}, "value": [1, 0]}
    seen = {
        "mark": {**line, "strokeWidth": 1.2, "opacity": 0.55},
        "encoding": {**encoding, "strokeDash": dashed},
        "transform": flat,
    }
    hit = {**line, "strokeWidth": 11, "opacity": 0.001, "tooltip": {"expr": "datum.entry"}}
    return [seen, {"mark": hit, "encoding": encoding, "transform": flat, "params": [picker(entries)]}]


def shown_lines(flat: list[Specification]) -> list[Specification]:
    """Return band, line and points of the entries that are shown in colour."""
    transform, place = [{"filter": SHOWN}, *flat], {"field": "place"}
    interval = {
        "x": place,
        "y": {"field": "low"},
        "y2": {"field": "high"},
        "color": OWN_COLOUR,
        "detail": {"field": "entry"},
    }
    band = {"mark": {"type": "area", "clip": True, "opacity": 0.07}, "encoding": interval}
    bar = {"mark": {"type": "rule", "clip": True, "strokeWidth": 1.2}, "encoding": interval}
    line = {
        "mark": {"type": "line", "strokeWidth": 2.2},
        "encoding": {
            "x": place,
            "y": {"field": "value"},
            "color": OWN_COLOUR,
            "strokeDash": OWN_DASH,
            "detail": {"field": "entry"},
        },
    }
    told = [("entry", "entry"), ("density", "weights"), ("value", "difference"), ("low", "95% from"), ("high", "to")]
    point = {
        "mark": {"type": "point", "filled": True, "size": 34, "opacity": 1},
        "encoding": {
            "x": place,
            "y": {"field": "value"},
            "color": OWN_COLOUR,
            "tooltip": [{"field": field, "title": title} for field, title in told],
        },
    }
    return [{**layer, "transform": transform} for layer in (band, bar, line, point)]


def labels() -> list[Specification]:
    """Return the name of each line that is shown, and of each control, beside its end."""
    named = {"or": [SHOWN, {"and": ["datum.named", {"param": "picked", "empty": True}]}]}
    lead = {
        "mark": {"type": "rule", "opacity": 0.6, "strokeWidth": 1},
        "encoding": {
            "x": {"field": "end"},
            "x2": _BESIDE,
            "y": {"field": "last"},
            "y2": {"field": "at"},
            "color": OWN_COLOUR,
        },
    }
    label = {"calculate": f"width < {NARROW} ? datum.brief : datum.label", "as": "said"}
    text = {
        "mark": {"type": "text", "align": "left", "dx": 3, "limit": {"expr": "room - 14"}},
        "encoding": {
            "x": _BESIDE,
            "y": {"field": "at"},
            "text": {"field": "said"},
            "color": OWN_COLOUR,
        },
    }
    return [{**layer, "transform": [{"filter": named}, label]} for layer in (lead, text)]
