import math

import pytest

from harness.reports.analysis.budgets import BudgetGroup, budget_of, by_budget
from harness.reports.analysis.outcomes import Outcome


def outcome(**metrics):
    texts = dict.fromkeys(("run_id", "group", "entry", "method", "loss", "plain", "reason"), "")
    return Outcome(**texts, status="done", density=0.5, seed=0, metrics=metrics, layers={})


@pytest.mark.parametrize(
    ("steps", "budget"),
    [([300.0], 300), ([300.0, 900.0, 600.0], 900), ([0.0], 0), ([math.nan, 300.0, math.nan], 300)],
)
def test_a_budget_is_the_most_steps_that_a_seed_took(steps, budget):
    assert budget_of([outcome(**{"cost/steps": own}) for own in steps]) == budget


def test_a_budget_that_nobody_counted_is_unknown():
    assert budget_of([]) is None
    assert budget_of([outcome(), outcome(**{"cost/steps": math.nan, "cost/seconds": 60.0})]) is None


def test_equal_budgets_stand_together_in_ascending_order_and_keep_their_own():
    steps = {"a": 600.0, "b": None, "c": 300.0, "d": 600.0, "e": 1200.0, "f": None, "g": 300.0}
    assert by_budget(steps, lambda name: (steps[name],)) == (
        BudgetGroup((300.0,), ("c", "g")),
        BudgetGroup((600.0,), ("a", "d")),
        BudgetGroup((1200.0,), ("e",)),
        BudgetGroup((None,), ("b", "f")),
    )


def test_over_several_levels_the_largest_counts_first_and_an_unknown_one_separates():
    wanted = ((300.0, None), (300.0, 300.0), (300.0, 600.0), (600.0, 600.0), (300.0, 900.0), (None, None))
    found = by_budget(reversed(wanted), lambda budgets: budgets)
    assert found == tuple(BudgetGroup(budgets, (budgets,)) for budgets in wanted)


def test_nothing_makes_no_group():
    assert by_budget([], lambda _: (None,)) == ()
