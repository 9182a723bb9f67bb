"""Charts as a page shows them: a still picture, words, and the data with which a script makes it live."""

from collections.abc import Iterable
from dataclasses import dataclass

from harness.reports.analysis.leaderboard import Board
from harness.reports.charts.chart import Chart
from harness.reports.charts.differences import differences
from harness.reports.charts.still import NARROW, WIDE, picture
from harness.reports.page.assets import inert_json


@dataclass(frozen=True)
class Figure:
    """A chart with its ``still`` picture and one for ``narrow`` screens, data URLs, and its ``data``, inert JSON."""

    chart: Chart
    still: str
    narrow: str
    data: str


def figure(chart: Chart) -> Figure:
    """Return a chart drawn."""
    wide, narrow = (picture(chart.specification, width) for width in (WIDE, NARROW))
    return Figure(chart, wide, narrow, inert_json(chart.specification))


def figures(charts: Iterable[Chart | None]) -> list[Figure]:
    """Return the charts that there are, drawn."""
    return [figure(chart) for chart in charts if chart is not None]


def answer_figures(board: Board) -> list[Figure]:
    """Return the figures beside the answer: how far sensitivity and AUC are from the dense network's."""
    return figures(differences(board))
