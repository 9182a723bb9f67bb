"""Charts as a page shows them: a still picture, words, and the data with which a script makes it live."""

from collections.abc import Iterable
from dataclasses import dataclass

from harness.reports.analysis.leaderboard import Board
from harness.reports.charts.calibration import calibration, decisions
from harness.reports.charts.chart import Chart
from harness.reports.charts.differences import differences
from harness.reports.charts.layers import layers
from harness.reports.charts.networks import networks
from harness.reports.charts.roc import roc
from harness.reports.charts.still import NARROW, WIDE, picture
from harness.reports.charts.trade_offs import trade_offs
from harness.reports.page.assets import inert_json

HEAVY = 40_000
"""Characters of a picture that a page of many entries has no room for twice, or where a reader has to open it."""


@dataclass(frozen=True)
class Figure:
    """A chart with its ``still`` picture, a data URL, and its ``data``, inert JSON.

    ``narrow`` is a picture for narrow screens. Of what a reader has to open, and where it would be heavy, either may be
    None: the numbers are in the tables and files.
    """

    chart: Chart
    still: str | None
    narrow: str | None
    data: str


def figures(charts: Iterable[Chart | None], *, folded: bool = False, first: bool = False) -> list[Figure]:
    """Return the charts that there are, drawn: ``folded`` are those that a reader has to open, ``first`` those of the
    first screen, which have both pictures whatever they weigh.
    """
    return [_figure(chart, folded=folded, first=first) for chart in charts if chart is not None]


def _figure(chart: Chart, *, folded: bool, first: bool) -> Figure:
    drawn = chart.specification
    still = picture(drawn, WIDE)
    light = len(still) <= HEAVY
    narrow = picture(drawn, NARROW) if first or (light and not folded) else None
    return Figure(chart, still if light or not folded else None, narrow, inert_json(drawn))


def answer_figures(board: Board) -> list[Figure]:
    """Return the figures beside the answer: how far sensitivity and AUC are from the dense network's."""
    found = differences(board)
    return [*figures(found[:1], first=True), *figures(found[1:])]


def trade_off_figures(board: Board) -> list[Figure]:
    """Return what errors cost."""
    return figures([trade_offs(board)])


def network_figures(board: Board) -> list[Figure]:
    """Return every network's errors and costs."""
    return figures([networks(board)], folded=True)


def layer_figures(board: Board) -> list[Figure]:
    """Return where the pruning took the weights."""
    return figures([layers(board)])


def calibration_figures(board: Board) -> list[Figure]:
    """Return ROC curves, how far scores may be believed, and what the answers are worth."""
    return figures([roc(board), calibration(board), decisions(board)], folded=True)
