"""Training budgets in words: the headings that the entries of a level stand under."""

from harness.reports.analysis.budgets import BudgetGroup
from harness.reports.analysis.leaderboard import Row
from harness.reports.formatting import thousands

UNKNOWN_BUDGET, NOT_DONE = "Steps not known", "Not done"


def heading(group: BudgetGroup[Row]) -> str:
    """Return what the rows of one level that took the same number of steps stand under."""
    (steps,) = group.budgets
    if steps is not None:
        return f"Trained for {thousands(steps)} steps in all"
    return UNKNOWN_BUDGET if any(row.done for row in group.members) else NOT_DONE
