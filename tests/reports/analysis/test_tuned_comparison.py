"""Default against tuned on the test part: over the same networks, and only where all of them are there."""

import numpy as np
import pytest

from harness.reports.analysis.boards import subjects
from harness.reports.analysis.differences import auc_contrast
from harness.reports.analysis.outcomes import read_outcomes
from harness.reports.analysis.tuned_comparison import compare

TUNED = "lt[rate=0.612]"


def compared(made, study):
    results = made.results()
    (subject,), cells = subjects(results.groups), read_outcomes(results)
    return compare(study, cells, subject.design(cells))


def auc_by_counting(made, entry):
    found = []
    for images in made.images:
        first = images.iloc[0]
        if (first["entry"], first["density"], first["split"]) == (entry, 0.5, "test"):
            own = [images[images["label"] == label]["score"].to_numpy() for label in (1, 0)]
            found.append(np.mean([[p > n for n in own[1]] for p in own[0]]))
    return np.mean(found)


@pytest.fixture
def pair(trial):
    def of(default=40, tuned=12, folds=0, seeds=(0, 1, 2)):
        made = trial(folds=folds).entry("dense", 1.0, 12, seeds=seeds)
        return made.entry("lt", 0.5, default, seeds=seeds).entry(TUNED, 0.5, tuned, seeds=seeds)

    return of


@pytest.mark.parametrize("folds", [0, 3])
def test_the_difference_is_that_of_mean_aucs_with_the_interval_of_their_contrast(pair, record, folds):
    made = pair(folds=folds)
    note, (level,) = compared(made, record())
    found = level.measured
    assert (note, level.problem, level.density) == ("", "", 0.5)
    aucs = [auc_by_counting(made, name) for name in ("lt", TUNED)]
    assert [found.default, found.tuned] == pytest.approx(aucs)
    assert found.difference == pytest.approx(aucs[1] - aucs[0])
    cells = read_outcomes(made.results())
    own = [[cell for cell in cells if cell.entry == name] for name in (TUNED, "lt")]
    assert (found.low, found.high) == auc_contrast(own, (1, -1)).interval()
    assert found.missed[0].n == 120 * max(folds, 1)
    assert found.alarms[0].n == 150 * max(folds, 1)


@pytest.mark.parametrize(
    ("default", "tuned", "verdict"),
    [(40, 12, "tuned is better"), (12, 40, "default is better"), (12, 13, "not distinguished")],
)
def test_which_is_better_as_far_as_it_can_be_told(pair, record, default, tuned, verdict):
    _, (level,) = compared(pair(default, tuned), record())
    assert level.measured.verdict == verdict


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_fewer_than_three_networks_have_no_verdict(pair, record, seeds):
    _, (level,) = compared(pair(90, 12, seeds=seeds), record())
    assert level.measured.low > 0
    assert (level.measured.anecdote, level.measured.verdict) == (True, "one run is an anecdote")


def test_the_same_networks_are_no_comparison(pair, record):
    made = pair().lose(TUNED)
    for seed in (0, 1, 2):
        made.network(TUNED, 0.5, seed, made.scored(40, "lt", 0.5, seed, 0))
    _, (level,) = compared(made, record())
    assert (level.measured.same, level.measured.verdict, level.measured.difference) == (True, "same network", 0)


def test_a_missing_seed_or_fold_is_not_averaged_away(pair, record):
    _, (level,) = compared(pair().lose(TUNED, seed=1), record())
    assert (level.measured, level.problem) == (None, "tuned not run in seed 1")
    _, (level,) = compared(pair(folds=3).lose("lt", fold=2).lose(TUNED, seed=0, fold=3), record())
    assert level.problem == "default not run in fold 2; tuned not run in seed 0 of fold 3"


def test_where_nothing_can_be_compared_it_says_why(pair, record):
    assert compared(pair().lose(TUNED), record()) == (f"not run here: “{TUNED}”", ())
    assert "never share a table" in compared(pair(), record("dense", "dense"))[0]
