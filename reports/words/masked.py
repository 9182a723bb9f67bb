"""Where zeros save storage and no time, in words."""

from collections.abc import Sequence

from harness.reports.analysis.leaderboard import Board, Level, Row
from harness.reports.analysis.machine_columns import MachineColumn
from harness.reports.analysis.outcomes import Outcome
from harness.reports.formatting import listed, milliseconds, percent
from harness.results import names

NAMED = 3
"""So many entries are named, more are counted."""


def zeros(board: Board) -> str:
    """Return what the zeros of masked networks save and what they do not, empty where none is shown."""
    masked = sorted({cell.entry for cell in board.cells if is_masked(cell)})
    if not masked:
        return ""
    more = len(masked) - NAMED
    named = listed([*masked[:NAMED], *([f"{more} more"] if more > 0 else [])])
    keeps = f"{named} keep{'' if len(masked) > 1 else 's'} the dense network's shape"
    return (
        f"Zeros save storage and no time: {keeps}. Compressed, the file is smaller; an ordinary runtime multiplies by "
        f"zeros and takes as long as for dense{_measured(board, masked)}. FLOPs left and MACs left leave zeros out."
    )


def is_masked(cell: Outcome) -> bool:
    """Return whether a network has weights that are masked: they are there, and zero.

    A quantised twin is not looked at: it is faster than dense, by its bits.
    """
    return cell.done and not names.is_twin(cell.entry) and any(left < total for left, _, total in cell.layers.values())


def _measured(board: Board, masked: Sequence[str]) -> str:
    """Return what a machine measured of dense and of the smallest masked network, empty where none measured both."""
    rows = [(level, row) for level in board.levels for row in level.rows]
    for column in board.columns:
        if isinstance(column, MachineColumn) and column.what == names.LATENCY:
            dense = [_took(row, column) for _, row in rows if row.entry == names.DENSE and _took(row, column)]
            small = [(level, row) for level, row in rows if _shows(level, row, masked, column)]
            if dense and small:
                level, row = small[-1]
                said = f"{milliseconds(dense[0])} for dense, {milliseconds(_took(row, column))} for {row.entry}"
                return f" (on {column.machine} {said} at {percent(level.density)})"
    return ""


def _shows(level: Level, row: Row, masked: Sequence[str], column: MachineColumn) -> bool:
    return level.density < 1 and row.entry in masked and bool(_took(row, column))


def _took(row: Row, column: MachineColumn) -> float:
    """Return a row's time, 0 where it was not measured."""
    found = row.figures[column.name]
    return found if isinstance(found, float) and found == found else 0.0
