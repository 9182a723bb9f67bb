"""All charts of a board, for who wants them as files."""

from harness.reports.analysis.leaderboard import Board
from harness.reports.charts.calibration import calibration, decisions
from harness.reports.charts.chart import Chart
from harness.reports.charts.differences import differences
from harness.reports.charts.layers import layers
from harness.reports.charts.networks import networks
from harness.reports.charts.roc import roc
from harness.reports.charts.trade_offs import trade_offs
from harness.reports.charts.tuning import alternative, history
from harness.results.study_record import StudyRecord


def every_chart(board: Board) -> list[Chart]:
    """Return the charts that a board has something for, in the page's order."""
    found = [trade_offs(board), networks(board), roc(board), calibration(board), decisions(board), layers(board)]
    studies = [_study(study, number) for number, study in enumerate(board.studies, 1)]
    return [chart for chart in (*differences(board), *found, *studies) if chart is not None]


def _study(study: StudyRecord, number: int) -> Chart | None:
    drawn = history(study)
    if drawn is None:
        return None
    return Chart(
        name=f"tuning-{number}",
        title=f"Trials of {study.entry}",
        caption="Filled: complete; hollow: pruned; crossed: broke the bound on false alarms. The line: best so far.",
        words=alternative(study),
        specification=drawn,
    )
