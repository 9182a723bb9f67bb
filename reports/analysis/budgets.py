"""Training budgets: what an entry's networks took in optimiser steps, and who stands with whom because of it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from harness.reports.analysis.outcomes import Outcome
from harness.results import names

T = TypeVar("T")
Budgets = tuple[float | None, ...]
"""Steps, one for each level that is looked at; None where no cell is done or none of them counted its steps."""


@dataclass(frozen=True)
class BudgetGroup(Generic[T]):
    """What took the very same ``budgets``, in the order it came in."""

    budgets: Budgets
    members: tuple[T, ...]


def budget_of(done: Sequence[Outcome]) -> float | None:
    """Return the largest `cost/steps` of done cells of one entry at one level, None where none is known."""
    steps = [cell.metric(names.STEPS) for cell in done]
    return max((own for own in steps if own == own), default=None)


def by_budget(members: Iterable[T], budgets: Callable[[T], Budgets]) -> tuple[BudgetGroup[T], ...]:
    """Return the members of equal budgets together, in ascending order of the largest, unknown ones last."""
    found: dict[Budgets, list[T]] = {}
    for member in members:
        found.setdefault(budgets(member), []).append(member)
    return tuple(BudgetGroup(own, tuple(found[own])) for own in sorted(found, key=_order))


def _order(budgets: Budgets) -> tuple[bool, float, float]:
    known = [steps for steps in budgets if steps is not None]
    return not known, max(known, default=0), sum(known)
