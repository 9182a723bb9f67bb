"""How far the scores may be believed, and what they are worth at each price of a missed positive."""

from collections.abc import Sequence

from harness.reports.analysis.decision_curves import GRID, decision_curve
from harness.reports.analysis.leaderboard import Board
from harness.reports.analysis.outcomes import Outcome
from harness.reports.analysis.reliability import reliability
from harness.reports.charts.by_level import by_level, curves_of, diagonal, level_shown
from harness.reports.charts.chart import Chart
from harness.reports.charts.looks import RULE, Specification, upright
from harness.reports.formatting import percent
from harness.results.names import DENSE


def calibration(board: Board) -> Chart | None:
    """Return predicted against observed for every entry at the level that a reader picks."""
    curves = curves_of(board, _bins)
    level = level_shown(board)
    if not curves or level is None:
        return None
    axis = {"scale": {"domain": [0, 1]}}
    ticks = {"format": "~%", "tickCount": 5, "gridDash": [1, 3]}
    return Chart(
        name="calibration",
        title="Predicted and observed",
        caption="A point is a tenth of an entry's answers, by their predicted probability, with the share of them that "
        "is positive. On the dotted line a probability is what it says; below it the network is too sure of positives.",
        words=f"Predicted against observed shares of positives at {percent(level)} of the weights. The table below has "
        "slopes and offsets.",
        specification=by_level(
            board,
            curves,
            grid=None,
            unit=1000,
            axes={
                "x": axis | {"axis": {**ticks, "title": "predicted probability"}},
                "y": axis | {"axis": {**ticks, "title": "share of positives", **upright(34)}},
            },
            rules=[diagonal()],
            points=True,
        ),
    )


def _bins(done: Sequence[Outcome]) -> list[list[float]]:
    found = reliability(done)
    return [[one.predicted for one in found], [one.observed for one in found]]


def decisions(board: Board) -> Chart | None:
    """Return the decision curves of every entry at the level that a reader picks."""
    curves = curves_of(board, lambda done: [[point.networks for point in decision_curve(done)]])
    level = level_shown(board)
    if not curves or level is None:
        return None
    everything = decision_curve(
        [cell for cell in board.cells if cell.done and cell.entry == DENSE]
        or [cell for cell in board.cells if cell.done]
    )
    axis = {"gridDash": [1, 3], "tickCount": 6}
    return Chart(
        name="decision-curves",
        title="What the answers are worth",
        caption="Net benefit for each image, positives found less false alarms at their price, against the probability "
        "from which on an image is called. Calling none is worth 0; dotted: calling all.",
        words=f"Decision curves of every entry at {percent(level)} of the weights; results.json has their numbers.",
        specification=by_level(
            board,
            curves,
            grid=GRID,
            unit=10_000,
            axes={
                "x": {"scale": {"nice": False}, "axis": {**axis, "title": "threshold probability", "format": "~%"}},
                "y": {"axis": {**axis, "title": "net benefit", "format": "~g", **upright(34)}},
            },
            rules=[_everything([(point.threshold, point.everything) for point in everything])],
        ),
    )


def _everything(points: Sequence[tuple[float, float]]) -> Specification:
    """Return the curve of calling every image positive, as far down as 0: below it nobody would."""
    values = [{"x": x, "y": y} for x, y in points if y >= 0]
    return {
        "data": {"values": values},
        "mark": {"type": "line", "color": RULE, "strokeDash": [2, 3]},
        "encoding": {"x": {"field": "x"}, "y": {"field": "y"}},
    }
