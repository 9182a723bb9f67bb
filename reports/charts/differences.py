"""How far the pruned networks are from the dense one, level by level: the page's first charts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.evaluation.contrasts import Contrast
from harness.reports.analysis.leaderboard import Board
from harness.reports.analysis.verdicts import Step, Verdict
from harness.reports.charts.chart import Chart
from harness.reports.charts.looks import (
    GREY,
    INK,
    LETTERS,
    NARROW,
    OF_CONTROLS,
    RULE,
    SHOWN,
    Specification,
    brief,
    entry_colour,
    entry_dash,
    framed,
    levels_axis,
    picker,
    reach,
    spread,
)
from harness.reports.charts.main_entries import controls, main_entries
from harness.reports.formatting import percent, points, shown, signed
from harness.results.names import DENSE

HEIGHT = 300
MINUS = "\N{MINUS SIGN}"
LABEL, LABEL_NARROW = 30, 13  # letters
CONTROLS = 3
"""So many have their name beside them; more are told by the pointer."""


@dataclass(frozen=True)
class Difference:
    """One figure, pruned - dense, of a step; ``scale`` brings it to the axis, ``margin`` is the loss too large."""

    name: str
    title: str
    of: Callable[[Step], Contrast | None]
    scale: float
    digits: int
    text: Callable[[float], str]

    def written(self, share: float) -> float:
        """Return a difference as the axis has it."""
        return round(self.scale * share, self.digits)


def _found(step: Step) -> Contrast | None:
    """Return the sensitivity at equal alarms, pruned - dense."""
    if step.judgement is None:
        return None
    loss = step.judgement.loss
    return Contrast(-loss.value, loss.variance, loss.freedom, loss.given_networks)


SENSITIVITY = Difference(
    "difference-sensitivity", "Sensitivity at equal false alarms, points from dense", _found, 100, 2, points
)
AUC = Difference("difference-auc", "AUC-ROC, difference to dense", lambda step: step.auc, 1, 4, signed)


@dataclass(frozen=True)
class Point:
    """One level of an entry: a difference with its interval, None where it is not known."""

    density: float
    value: float | None
    low: float | None
    high: float | None


DENSE_ITSELF = Point(1.0, 0.0, 0.0, 0.0)


def differences(board: Board) -> tuple[Chart, ...]:
    """Return the charts of sensitivity and of AUC against the dense network's, none where nothing is comparable."""
    return tuple(found for one in (SENSITIVITY, AUC) if (found := _chart(board, one)))


def points_of(found: Verdict, what: Difference, *, anecdote: bool) -> list[Point]:
    """Return the levels of one entry, densest first, with two-sided 95 % intervals over its networks and images.

    Below three networks, of these networks alone.
    """
    return [_point(step.density, what.of(step), what, anecdote=anecdote) for step in found.steps]


def _point(density: float, found: Contrast | None, what: Difference, *, anecdote: bool) -> Point:
    if found is None:
        return Point(density, None, None, None)
    low, high = (found.of_these_networks if anecdote else found).interval()
    value, low, high = (
        round(what.scale * one, what.digits) if abs(one) < 9 else None for one in (found.value, low, high)
    )
    return Point(density, value, low, high)


def _chart(board: Board, what: Difference) -> Chart | None:
    lines = {one.entry: points_of(one, what, anecdote=board.design.anecdote) for one in board.verdicts}
    lines = {entry: own for entry, own in lines.items() if any(point.value is not None for point in own)}
    lines = {entry: [DENSE_ITSELF, *own] if entry in _from_dense(board) else own for entry, own in lines.items()}
    if not lines:
        return None
    main = [entry for entry in main_entries(board) if entry in lines]
    margin = -what.scale * board.terms.delta if what is SENSITIVITY else None
    return Chart(
        name=what.name,
        title=what.title,
        caption=_caption(board, main, lines, margin),
        words=_words(what, main, lines),
        specification=_specification(lines, main, controls(board), margin),
    )


def _from_dense(board: Board) -> set[str]:
    """Return the entries whose network before pruning is the dense one, and whose lines begin there."""
    rows = [row for level in board.levels if level.density == 1 for row in level.rows if row.entry == DENSE]
    return {entry for row in rows for entry in row.alike}


def _specification(
    lines: dict[str, list[Point]], main: list[str], control: set[str], margin: float | None
) -> Specification:
    low, high = _domain(lines, main, margin)
    labelled = [*main, *sorted(control & lines.keys())[:CONTROLS]]
    entries = [*labelled, *sorted(lines.keys() - set(labelled))]
    last = {entry: _last(lines[entry]) for entry in entries}
    heights = {**{entry: last[entry][1] for entry in labelled}, **({} if margin is None else {None: margin})}
    gap = (high - low) * (LETTERS + 2) / HEIGHT
    at = dict(zip(heights, spread([*heights.values()], gap, low, high), strict=True))
    values = [
        {
            "entry": entry,
            "label": brief(shown(entry), LABEL),
            "brief": brief(shown(entry), LABEL_NARROW),
            "shift": (main.index(entry) - (len(main) - 1) / 2) if entry in main else 0,
            "main": entry in main,
            "named": entry in labelled,
            "control": entry in control,
            "density": [point.density for point in lines[entry]],
            "value": [point.value for point in lines[entry]],
            "low": [point.low for point in lines[entry]],
            "high": [point.high for point in lines[entry]],
            "end": last[entry][0],
            "last": last[entry][1],
            "at": round(at.get(entry, last[entry][1]), 4),
        }
        for entry in entries
    ]
    longest = max([12, *(len(one["label"]) for one in values if one["entry"] in labelled)])
    levels = sorted({point.density for own in lines.values() for point in own}, reverse=True)
    return framed(
        *_margin(margin, at.get(None)),
        *_others(entries, _flat(levels)),
        *_main(entries, control, _flat(levels)),
        *_labels(entries, control),
        height=HEIGHT,
        data={"name": "entries", "values": values},
        params=[{"name": "room", "expr": f"width < {NARROW} ? {LABEL_NARROW * 7 + 24} : {longest * 6.4 + 28}"}],
        encoding={
            "x": levels_axis(levels, "room"),
            "y": {"type": "quantitative", "scale": {"domain": [low, high], "nice": False}, "axis": _AXIS},
        },
    )


_AXIS: Specification = {
    "title": None,
    "tickCount": 6,
    # With the sign of minus, and 0 by what it stands for.
    "labelExpr": f"datum.value == 0 ? 'dense' : (datum.value > 0 ? '+' : '{MINUS}') + format(abs(datum.value), '~g')",
    "gridDash": {"condition": {"test": "datum.value == 0", "value": []}, "value": [1, 3]},
    "gridColor": {"condition": {"test": "datum.value == 0", "value": RULE}, "value": "#cfd4da"},
}


def _flat(levels: Sequence[float]) -> list[Specification]:
    """Return what makes a row a level, entries beside each other, so that their intervals can be told apart."""
    low, high = reach(levels)
    place = f"datum.density * pow({(high / low) ** (1 / 90)!r}, -datum.shift)"
    return [{"flatten": ["density", "value", "low", "high"]}, {"calculate": place, "as": "place"}]


_BESIDE: Specification = {"value": {"expr": "width - room + 10"}}


def _margin(margin: float | None, at: float | None) -> list[Specification]:
    """Return the loss that is too large as a labelled dashed line; the dense network is the line at 0."""
    if margin is None:
        return []
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


def _others(entries: Sequence[str], flat: list[Specification]) -> list[Specification]:
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


def _main(entries: Sequence[str], control: set[str], flat: list[Specification]) -> list[Specification]:
    """Return band, line and points of the entries that are shown in colour."""
    transform = [{"filter": SHOWN}, *flat]
    colour, dash = entry_colour(entries, control), entry_dash(entries, control)
    band = {
        "mark": {"type": "area", "clip": True, "opacity": 0.07},
        "encoding": {"y": {"field": "low"}, "y2": {"field": "high"}, "color": colour},
    }
    bar = {
        "mark": {"type": "rule", "clip": True, "strokeWidth": 1.2},
        "encoding": {"y": {"field": "low"}, "y2": {"field": "high"}, "color": colour},
    }
    line = {
        "mark": {"type": "line", "strokeWidth": 2.2},
        "encoding": {"y": {"field": "value"}, "color": colour, "strokeDash": dash},
    }
    told = [("entry", "entry"), ("density", "weights"), ("value", "difference"), ("low", "95% from"), ("high", "to")]
    point = {
        "mark": {"type": "point", "filled": True, "size": 34, "opacity": 1},
        "encoding": {
            "y": {"field": "value"},
            "color": colour,
            "tooltip": [{"field": field, "title": title} for field, title in told],
        },
    }
    for layer in (band, bar, line, point):
        layer["encoding"]["x"] = {"field": "place"}
    return [{**layer, "transform": transform} for layer in (band, bar, line, point)]


def _labels(entries: Sequence[str], control: set[str]) -> list[Specification]:
    """Return the name of each line that is shown, and of each control, beside its end."""
    named = {"or": [SHOWN, {"and": ["datum.named", {"param": "picked", "empty": True}]}]}
    colour = entry_colour(entries, control)
    lead = {
        "mark": {"type": "rule", "opacity": 0.6, "strokeWidth": 1},
        "encoding": {
            "x": {"field": "end"},
            "x2": _BESIDE,
            "y": {"field": "last"},
            "y2": {"field": "at"},
            "color": colour,
        },
    }
    label = {"calculate": f"width < {NARROW} ? datum.brief : datum.label", "as": "said"}
    text = {
        "mark": {"type": "text", "align": "left", "dx": 3, "limit": {"expr": "room - 14"}},
        "encoding": {
            "x": _BESIDE,
            "y": {"field": "at"},
            "text": {"field": "said"},
            "color": colour,
        },
    }
    return [{**layer, "transform": [{"filter": named}, label]} for layer in (lead, text)]


def _last(own: Sequence[Point]) -> tuple[float, float]:
    """Return where a line ends: density and value of its smallest known level."""
    return [(point.density, point.value) for point in own if point.value is not None][-1]


def _domain(lines: dict[str, list[Point]], main: Sequence[str], margin: float | None) -> tuple[float, float]:
    """Return the ends of the axis: all lines, dense and margin, and of the bands as much as leaves the lines legible.

    With three networks an interval may be ten times as wide as all lines lie apart.
    """
    values = [point.value for own in lines.values() for point in own if point.value is not None] + [0.0, margin or 0.0]
    bounds = [one for entry in main for point in lines[entry] for one in (point.low, point.high) if one is not None]
    reach = (max(values) - min(values)) or 1.0
    low = max(min([*values, *bounds]), min(values) - reach)
    high = min(max([*values, *bounds]), max(values) + reach)
    room = 0.04 * (high - low)
    return round(low - room, 4), round(high + room, 4)


def _caption(board: Board, main: Sequence[str], lines: dict[str, list[Point]], margin: float | None) -> str:
    """Return what is drawn."""
    over = "over its networks and the test images" if not board.design.folded else "over folds"
    if board.design.anecdote:
        over = "over test images, of these networks only: fewer than three say nothing of others"
    grey = ", others grey" if len(lines) > len(main) else ""
    control = ", controls dashed" if controls(board) & lines.keys() else ""
    chosen = "In colour: safe entries first, then by AUC" + grey + control + ". " if grey or control else ""
    margin_ = " Dashed line: the margin." if margin is not None else ""
    return f"Pruned less dense, means; bands and bars are 95% intervals {over}. {chosen}{margin_}".strip()


def _words(what: Difference, main: Sequence[str], lines: dict[str, list[Point]]) -> str:
    """Return the smallest level of each main entry in words."""
    told = []
    for entry in main:
        density, value = _last(lines[entry])
        told.append(f"{entry} {what.text(value / what.scale)} at {percent(density)}")
    return f"{what.title}, against remaining weights. {'; '.join(told)}. The tables hold the same numbers."
