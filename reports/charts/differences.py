"""How far the pruned networks are from the dense one, level by level: the page's first charts."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.evaluation.contrasts import Contrast
from harness.reports.analysis.leaderboard import Board
from harness.reports.analysis.verdicts import Step, Verdict
from harness.reports.charts.chart import Chart
from harness.reports.charts.difference_marks import AXIS, flat, labels, margin_line, others, shown_lines
from harness.reports.charts.looks import LETTERS, NARROW, Specification, brief, framed, levels_axis, look_of, spread
from harness.reports.charts.main_entries import controls, entry_order, main_entries
from harness.reports.formatting import percent, points, shown, signed
from harness.results.names import DENSE

HEIGHT = 300
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

    def written(self, share: float) -> float | None:
        """Return a difference as the axis has it, None where it is not known, which bounds say by being infinite."""
        return round(self.scale * share, self.digits) if math.isfinite(share) else None


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
    return Point(density, *map(what.written, (found.value, low, high)))


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
        specification=_specification(board, lines, main, margin),
    )


def _from_dense(board: Board) -> set[str]:
    """Return the entries whose network before pruning is the dense one, and whose lines begin there."""
    rows = [row for level in board.levels if level.density == 1 for row in level.rows if row.entry == DENSE]
    return {entry for row in rows for entry in row.alike}


def _specification(board: Board, lines: dict[str, list[Point]], main: list[str], margin: float | None) -> Specification:
    low, high = _domain(lines, main, margin)
    order, control = entry_order(board), controls(board)
    named = [*main, *sorted(control & lines.keys())[:CONTROLS]]
    ends = [_last(lines[entry])[1] for entry in named]
    gap = (high - low) * (LETTERS + 2) / HEIGHT
    beside, *at = spread([0.0 if margin is None else margin, *ends], gap, low, high)
    heights = dict(zip(named, at if margin is not None else spread(ends, gap, low, high), strict=True))
    entries = [entry for entry in order if entry in lines]
    values = [
        _row(entry, lines[entry], heights.get(entry))
        | {"main": entry in main, "control": entry in control, "shift": _shift(entry, main)}
        | look_of(order, control, entry)
        for entry in entries
    ]
    longest = max([12, *(len(row["label"]) for row in values if row["named"])])
    levels = sorted({point.density for own in lines.values() for point in own}, reverse=True)
    return framed(
        *([] if margin is None else margin_line(margin, beside)),
        *others(entries, flat(levels)),
        *shown_lines(flat(levels)),
        *labels(),
        height=HEIGHT,
        data={"name": "entries", "values": values},
        params=[{"name": "room", "expr": f"width < {NARROW} ? {LABEL_NARROW * 7 + 24} : {longest * 6.4 + 28}"}],
        encoding={
            "x": levels_axis(levels, "room"),
            "y": {"type": "quantitative", "scale": {"domain": [low, high], "nice": False}, "axis": AXIS},
        },
    )


def _row(entry: str, own: Sequence[Point], height: float | None) -> Specification:
    """Return what is drawn of an entry; its name stands at ``height`` beside its end, where it is named at all."""
    density, value = _last(own)
    return {
        "entry": entry,
        "label": brief(shown(entry), LABEL),
        "brief": brief(shown(entry), LABEL_NARROW),
        "named": height is not None,
        "density": [point.density for point in own],
        "value": [point.value for point in own],
        "low": [point.low for point in own],
        "high": [point.high for point in own],
        "end": density,
        "last": value,
        "at": value if height is None else round(height, 4),
    }


def _shift(entry: str, main: Sequence[str]) -> float:
    """Return how far an entry is drawn beside its level, so that intervals do not lie over each other."""
    return main.index(entry) - (len(main) - 1) / 2 if entry in main else 0


def _last(own: Sequence[Point]) -> tuple[float, float]:
    """Return where a line ends: density and value of its smallest known level."""
    return [(point.density, point.value) for point in own if point.value is not None][-1]


def _domain(lines: dict[str, list[Point]], main: Sequence[str], margin: float | None) -> tuple[float, float]:
    """Return the ends of the axis: all lines, dense and margin, and of the bands as much as leaves the lines legible.

    With three networks an interval may be ten times as wide as all lines lie apart.
    """
    values = [point.value for own in lines.values() for point in own if point.value is not None] + [0.0, margin or 0.0]
    bounds = [one for entry in main for point in lines[entry] for one in (point.low, point.high) if one is not None]
    apart = (max(values) - min(values)) or 1.0
    low = max(min([*values, *bounds]), min(values) - apart)
    high = min(max([*values, *bounds]), max(values) + apart)
    room = 0.04 * (high - low)
    return round(low - room, 4), round(high + room, 4)


def _caption(board: Board, main: Sequence[str], lines: dict[str, list[Point]], margin: float | None) -> str:
    """Return what is drawn."""
    over = "over its networks and the test images" if not board.design.folded else "over folds"
    if board.design.anecdote:
        over = "over test images, of these networks only: fewer than three say nothing of others"
    grey = ", others grey" if len(lines) > len(main) else ""
    control = ", controls dashed" if controls(board) & lines.keys() else ""
    sentences = [f"Pruned less dense, means; bands and bars are 95% intervals {over}."]
    sentences += [f"In colour: safe entries first, then by AUC{grey}{control}."] if grey or control else []
    sentences += ["Dashed line: the margin."] if margin is not None else []
    return " ".join(sentences)


def _words(what: Difference, main: Sequence[str], lines: dict[str, list[Point]]) -> str:
    """Return the smallest level of each main entry in words."""
    told = []
    for entry in main:
        density, value = _last(lines[entry])
        told.append(f"{entry} {what.text(value / what.scale)} at {percent(density)}")
    return f"{what.title}, against remaining weights. {'; '.join(told)}. The tables hold the same numbers."
