import numpy as np
import pytest

from harness.reports.analysis.differences import auc_contrast
from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.analysis.outcomes import read_outcomes
from harness.reports.analysis.probe import against_probe


def auc_by_counting(labels, scores):
    return np.mean([[(a > b) + (a == b) / 2 for b in scores[labels == 0]] for a in scores[labels == 1]])


def against(bench):
    return against_probe(read_outcomes(bench.results()))


def test_it_is_dense_minus_probe_over_the_seeds_that_have_both(bench, scores):
    for seed in (0, 1, 2):
        bench.done("dense", seed, 1.0, scores(missed=4, alarms=9, seed=seed))
        bench.done("lt", seed, 0.5, scores(seed=seed))
    for seed in (0, 2):
        bench.done("probe", seed, 1.0, scores(missed=1, seed=seed + 5))
    bench.missing("probe", 1, 1.0, "diverged", "the features of the start weights are not finite")
    found = against(bench)
    cells = {(cell.entry, cell.seed): cell for cell in read_outcomes(bench.results()) if cell.density == 1}
    own = {name: [cells[name, seed] for seed in (0, 2)] for name in ("dense", "probe")}
    aucs = {name: np.mean([auc_by_counting(one.labels, one.scores) for one in some]) for name, some in own.items()}
    assert found.networks == ((0, 0), (0, 2))
    assert (found.dense, found.probe) == (pytest.approx(aucs["dense"]), pytest.approx(aucs["probe"]))
    assert found.difference == pytest.approx(aucs["dense"] - aucs["probe"])
    pair = auc_contrast([own["dense"], own["probe"]], (1, -1))
    assert (found.low, found.high) == pair.interval()
    assert found.low < found.difference < found.high
    assert found.badly_trained


@pytest.mark.parametrize(("missed", "badly_trained"), [(0, False), (1, True), (2, True)])
def test_dense_must_be_above_and_as_good_is_not(bench, scores, missed, badly_trained):
    for seed in (0, 1):
        bench.done("probe", seed, 1.0, scores(missed=1, seed=seed))
        bench.done("dense", seed, 1.0, scores(missed=missed, seed=seed))
    assert against(bench).badly_trained is badly_trained


def test_over_folds_it_is_the_mean_of_the_folds(trial):
    made = trial(folds=3).entry("dense", 1.0, 12, spread=3).entry("probe", 1.0, 30, spread=3).lose("probe", fold=2)
    found = against(made)
    assert found.networks == tuple((fold, seed) for fold in (1, 3) for seed in (0, 1, 2))
    cells = [one for one in read_outcomes(made.results()) if one.fold != 2]
    means = [
        [
            np.mean(
                [auc_by_counting(one.labels, one.scores) for one in cells if (one.entry, one.fold) == (entry, fold)]
            )
            for fold in (1, 3)
        ]
        for entry in ("dense", "probe")
    ]
    assert (found.dense, found.probe) == (pytest.approx(np.mean(means[0])), pytest.approx(np.mean(means[1])))
    assert not found.badly_trained


def test_results_without_a_probe_or_without_a_common_seed_say_nothing(usual, scores):
    assert against(usual) is None
    usual.done("probe", 7, 1.0, scores())
    assert against(usual) is None


def test_the_probe_has_a_row_and_neither_rank_nor_verdict(trial):
    """Not even where it is, score by score, the dense network: it owns nobody's row and lends nobody its own."""
    made = trial().entry("dense", 1.0, 12).entry("lt", 0.5, 12)
    for seed in (0, 1, 2):
        for name in ("probe", "lt"):
            made.network(name, 1.0, seed, made.scored(12, "dense", 1.0, seed, 0))
    made.entry("other", 1.0, 14)
    (board,) = leaderboard(made.results())
    rows = {row.entry: row for row in board.levels[0].rows}
    assert (rows["probe"].rank, rows["probe"].alike, rows["probe"].done) == (None, (), 3)
    assert (rows["dense"].rank, rows["dense"].alike) == (1, ("lt",))
    assert "probe" not in {one.entry for one in board.verdicts}
    assert board.probe.badly_trained
