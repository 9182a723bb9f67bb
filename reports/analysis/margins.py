"""How much loss would have to be accepted for an entry to be safe down to a level."""

from collections.abc import Sequence

from harness.evaluation.safety import Answer, judge
from harness.reports.analysis.candidates import Candidate
from harness.reports.analysis.design import Design, entries_of
from harness.reports.analysis.level_table import LevelTable, level_table
from harness.reports.analysis.outcomes import Outcome
from harness.reports.analysis.verdicts import by_width
from harness.results import names

LARGEST = 49
"""Points: a margin lies below one half."""


def nearest_margin(
    cells: Sequence[Outcome], design: Design, candidate: Candidate, near: float, level: float
) -> float | None:
    """Return the loss closest to ``near``, in whole points as a share, with which the candidate would be safe.

    Its whole walk must be, each step at the confidence ``level``. None where no loss does: the entry is not whole,
    ranks too little, or the dense network is not shown to lie twice as far above guessing. The share of false alarms is
    that of the cells.
    """
    if any(step.problem for step in candidate.walk):
        return None
    tables = [_table(cells, design, candidate.entry, step.density) for step in candidate.walk]
    points = sorted(range(1, LARGEST + 1), key=lambda point: (abs(point - 100 * near), point))
    return next(
        (one / 100 for one in points if all(_safe(table, candidate.entry, one / 100, level) for table in tables)), None
    )


def _table(cells: Sequence[Outcome], design: Design, entry: str, density: float) -> LevelTable:
    """Return the table that an entry is judged in at a level."""
    dense = [cell for cell in cells if cell.entry == names.DENSE]
    pruned = entries_of(cell for cell in cells if cell.entry not in names.REFERENCES and cell.density == density)
    width = next(width for width in by_width(pruned) if entry in width)
    return level_table({names.DENSE: dense, **width}, design)


def _safe(table: LevelTable, entry: str, delta: float, level: float) -> bool:
    place, dense = table.place(entry), table.place(names.DENSE)
    if place is None or dense is None:
        return False
    found = judge(table.sensitivities, place, dense, table.fpr, delta)
    return found.answer == Answer.SAFE and found.loss.upper(level) < delta
