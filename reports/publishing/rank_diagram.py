"""A critical-difference diagram: where everything lies. The template draws it, in one colour, without styles.

Source: Demsar (2006), Journal of Machine Learning Research 7, 1-30, figure 1.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from harness.reports.formatting import listed

AXIS_WIDTH, LETTER, GAP, EDGE = 360, 7.2, 14, 24
"""Widths in pixels: of the axis, of a letter of a name, between a name and the axis, and at least beside the axis."""

RULER, AXIS, BARS = 18, 58, 72
"""Heights of the ruler that shows the critical difference, of the axis, and of the first bar, in pixels from above."""

RULER_WORDS = 180
"""What is said beside the ruler, in pixels."""

BAR_STEP, NAME_STEP = 9, 20
LONGEST_NAME = 40
TICKS = 10
"""At most so many steps between ticks."""


class Leader(NamedTuple):
    """A line from the axis at ``x`` down to ``y`` and to the name beside it, ``left`` or right of the axis."""

    name: str
    x: float
    y: float
    left: bool


class Line(NamedTuple):
    """A horizontal line."""

    start: float
    end: float
    y: float


class Diagram(NamedTuple):
    """What is drawn, in pixels, and the same in ``words``; ``ticks`` are ranks and where they lie."""

    width: int
    height: int
    axis: Line
    ticks: tuple[tuple[int, float], ...]
    ruler: Line
    bars: tuple[Line, ...]
    leaders: tuple[Leader, ...]
    words: str


def rank_diagram(told: Mapping[str, Any]) -> Diagram:
    """Return the diagram of what `across_values` tells, where it has entries."""
    ranks = {one["entry"]: one["rank"] for one in told["entries"]}
    worst = len(ranks)
    left, right = (_margin(names) for names in _sides([*ranks]))

    def place(rank: float) -> float:
        return round(left + (rank - 1) / (worst - 1) * AXIS_WIDTH, 1)

    bars = tuple(
        Line(place(ranks[group[0]]) - 3, place(ranks[group[-1]]) + 3, BARS + BAR_STEP * index)
        for index, group in enumerate(told["groups"])
    )
    first_name = BARS + BAR_STEP * len(bars) + NAME_STEP // 2
    leaders = tuple(_leaders({entry: place(rank) for entry, rank in ranks.items()}, first_name))
    step = -(-(worst - 1) // TICKS)
    ruler = Line(place(1), place(1 + told["critical_difference"]), RULER)
    return Diagram(
        width=max(left + AXIS_WIDTH + right, int(ruler.end) + RULER_WORDS),
        height=int(max(leader.y for leader in leaders)) + NAME_STEP // 2,
        axis=Line(place(1), place(worst), AXIS),
        ticks=tuple((rank, place(rank)) for rank in range(1, worst + 1, step)),
        ruler=ruler,
        bars=bars,
        leaders=leaders,
        words=_words(told),
    )


def _leaders(places: Mapping[str, float], top: float) -> list[Leader]:
    """Return the better half, the best on top, with names on the left, the other with the worst on top on the right."""
    return [
        Leader(_short(name), places[name], top + NAME_STEP * row, left)
        for side, left in zip(_sides([*places]), (True, False), strict=True)
        for row, name in enumerate(side)
    ]


def _sides(names: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    half = -(-len(names) // 2)
    return names[:half], names[half:][::-1]


def _margin(names: Sequence[str]) -> int:
    return EDGE + GAP + int(LETTER * max((len(_short(name)) for name in names), default=0))


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _words(told: Mapping[str, Any]) -> str:
    ranks = ", ".join(f"{one['entry']} {one['rank']:.2f}" for one in told["entries"])
    return (
        f"Average ranks, 1 is best: {ranks}. Critical difference: {told['critical_difference']:.2f}."
        f" Not told apart: {not_told_apart(told['groups'])}."
    )


def not_told_apart(groups: Sequence[Sequence[str]]) -> str:
    """Return the groups in words; two entries that are in none together are told apart."""
    return "; ".join(listed(list(group)) for group in groups) or "none"
