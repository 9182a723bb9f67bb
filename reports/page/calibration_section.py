"""How far the scores of the main entries may be believed, as the template needs it."""

from dataclasses import dataclass

from harness.reports.analysis.estimates import Estimate, calibration
from harness.reports.analysis.leaderboard import Board
from harness.reports.charts.main_entries import controls, main_entries
from harness.results.names import DENSE


@dataclass(frozen=True)
class Calibrated:
    """The calibration slope and offset of one entry at one level; None where its images do not decide them."""

    entry: str
    density: float
    slope: Estimate | None
    offset: Estimate | None


def calibrated(board: Board) -> list[Calibrated]:
    """Return dense, the main entries and the controls, level by level: those that the charts name."""
    named = (DENSE, *main_entries(board), *sorted(controls(board)))
    found = []
    for level in board.levels:
        at = [cell for cell in board.cells if cell.done and cell.density == level.density]
        for entry in named:
            own = [cell for cell in at if cell.entry == entry]
            if own:
                slope, offset = calibration(own) or (None, None)
                found.append(Calibrated(entry, level.density, slope, offset))
    return found
