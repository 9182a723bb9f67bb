"""Mean ROC curves beside sensitivities at each share of false alarms, network by network."""

import numpy as np
import pytest

from harness.evaluation.equal_alarms import sensitivity_at
from harness.reports.analysis.outcomes import read_outcomes
from harness.reports.analysis.roc import GRID, mean_roc


def of(made, entry):
    return [cell for cell in read_outcomes(made.results()) if cell.entry == entry]


@pytest.mark.parametrize("folds", [0, 3])
def test_each_point_is_the_mean_sensitivity_at_its_false_alarms(trial, folds):
    made = (trial(folds=folds) if folds else trial()).entry("lt", 0.5, 30, spread=9)
    cells = of(made, "lt")
    found = mean_roc(cells)
    for share, one in zip(GRID[:-1], found, strict=False):
        parts = {}
        for cell in cells:
            parts.setdefault(cell.fold, []).append(sensitivity_at(cell.labels, cell.scores, share))
        assert one == pytest.approx(np.mean([np.mean(own) for own in parts.values()]))
    assert found[-1] == 1
    assert list(found) == sorted(found)


def test_its_area_is_nearly_the_auc(trial):
    cells = of(trial().entry("lt", 0.5, 40), "lt")
    auc = np.mean([cell.tested("auc") for cell in cells])
    assert np.trapezoid(mean_roc(cells), GRID) == pytest.approx(auc, abs=0.01)


def test_a_network_that_says_the_same_of_all_is_guessing(bench):
    bench.done("lt", 0, 0.5, np.zeros(70))
    assert mean_roc(of(bench, "lt")) == pytest.approx(GRID)
    assert mean_roc([]) == ()


def test_the_grid_is_finest_where_a_cut_would_be_chosen():
    assert (GRID[0], GRID[-1], len(GRID)) == (0, 1, 19)
    assert list(GRID) == sorted(set(GRID))
    assert 0.3 in GRID
