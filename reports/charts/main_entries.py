"""Which entries a chart of many draws in colour: sixty bands are mud."""

from harness.reports.analysis.leaderboard import Board
from harness.results.names import DENSE, REFERENCES

MOST = 6


def main_entries(board: Board) -> tuple[str, ...]:
    """Return the entries that the answer names as safe, the smallest networks first, then by AUC; six at most."""
    safe = [one.entry for one in board.verdicts if one.density is not None and not one.control]
    return tuple(dict.fromkeys([*safe, *_by_auc(board)]))[:MOST]


def entry_order(board: Board) -> list[str]:
    """Return every entry but the probe in the order of their colours, the same in all charts: main ones, dense last."""
    main = main_entries(board)
    others = {cell.entry for cell in board.cells} - {*main, *REFERENCES}
    return [*main, *sorted(others), DENSE]


def controls(board: Board) -> set[str]:
    """Return the entries that are there to be compared with."""
    return {cell.entry for cell in board.cells if cell.control}


def _by_auc(board: Board) -> list[str]:
    """Return the pruned entries by their mean AUC over the levels that they have, the best first."""
    found: dict[str, list[float]] = {}
    for level in board.levels:
        for row in level.rows:
            if level.density < 1 and row.auc and not row.control and row.entry not in REFERENCES:
                found.setdefault(row.entry, []).append(row.auc.value)
    return sorted(found, key=lambda entry: (-sum(found[entry]) / len(found[entry]), entry))
