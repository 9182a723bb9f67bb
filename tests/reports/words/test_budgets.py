import pytest

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.words.budgets import heading


def headings(bench, density=0.5):
    (board,) = leaderboard(bench.results())
    return [heading(group) for level in board.levels if level.density == density for group in level.groups]


def test_each_budget_has_its_heading_and_what_is_not_done_comes_last(budgeted):
    assert headings(budgeted) == ["Trained for 300 steps in all", "Trained for 600 steps in all", "Not done"]


def test_thousands_are_apart(bench, scores):
    bench.done("lt", 0, 0.5, scores(), **{"cost/steps": 1200.0})
    assert headings(bench) == ["Trained for 1,200 steps in all"]


@pytest.mark.parametrize("density", [1.0, 0.5])
def test_of_older_results_the_steps_are_not_known(usual, density):
    usual.missing("mobilenet", 0, 0.5, "skipped", "too narrow")
    assert headings(usual, density) == ["Steps not known"]
