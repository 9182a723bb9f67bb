"""ROC curves: what each entry finds at each share of false alarms."""

from typing import Any

from harness.reports.analysis.leaderboard import Board
from harness.reports.analysis.roc import GRID, mean_roc
from harness.reports.charts.by_level import by_level, curves_of, diagonal, level_shown
from harness.reports.charts.chart import Chart
from harness.reports.charts.looks import INK, Specification, upright
from harness.reports.formatting import percent


def roc(board: Board) -> Chart | None:
    """Return the mean curves of every entry at the level that a reader picks, None where nothing was pruned."""
    curves = curves_of(board, lambda done: [mean_roc(done)])
    level = level_shown(board)
    if not curves or level is None:
        return None
    return Chart(
        name="roc",
        title="ROC curves",
        caption="Positives found against false alarms, mean over networks at equal false alarms. The upright line is "
        f"where sensitivities are compared, {percent(board.terms.fpr)}; the dotted one is guessing.",
        words=f"ROC curves of every entry at {percent(level)} of the weights. The leaderboard has their AUC.",
        specification=by_level(
            board,
            curves,
            grid=GRID,
            unit=1000,
            axes={"x": _axis("false alarms"), "y": _axis("positives found", **upright(34))},
            rules=[diagonal(), _at(board.terms.fpr)],
        ),
    )


def _axis(title: str, **more: Any) -> Specification:
    axis = {"title": title, "format": "~%", "tickCount": 5, "gridDash": [1, 3], **more}
    return {"scale": {"domain": [0, 1]}, "axis": axis}


def _at(share: float) -> Specification:
    return {
        "data": {"values": [{"x": share}]},
        "mark": {"type": "rule", "color": INK, "strokeDash": [6, 4], "strokeWidth": 1},
        "encoding": {"x": {"field": "x"}, "y": None},
    }
