import numpy as np
import pytest

from harness.evaluation.auc import paired_auc_difference
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
    assert found.seeds == (0, 2)
    assert (found.dense, found.probe) == (pytest.approx(aucs["dense"]), pytest.approx(aucs["probe"]))
    assert found.difference == pytest.approx(aucs["dense"] - aucs["probe"])
    stacked = [np.stack([one.scores for one in own[name]]) for name in ("probe", "dense")]
    assert (found.difference, found.low, found.high) == paired_auc_difference(own["dense"][0].labels, *stacked)
    assert found.badly_trained


@pytest.mark.parametrize(("missed", "badly_trained"), [(0, False), (1, True), (2, True)])
def test_dense_must_be_above_and_as_good_is_not(bench, scores, missed, badly_trained):
    for seed in (0, 1):
        bench.done("probe", seed, 1.0, scores(missed=1, seed=seed))
        bench.done("dense", seed, 1.0, scores(missed=missed, seed=seed))
    assert against(bench).badly_trained is badly_trained


def test_results_without_a_probe_or_without_a_common_seed_say_nothing(usual, scores):
    assert against(usual) is None
    usual.done("probe", 7, 1.0, scores())
    assert against(usual) is None


def test_the_probe_has_a_row_and_neither_rank_nor_verdict(usual, scores):
    """Not even where it is, score by score, the dense network: it owns nobody's row and lends nobody its own."""
    for seed in (0, 1):
        usual.done("probe", seed, 1.0, scores(seed=seed))
    (board,) = leaderboard(usual.results())
    rows = {row.entry: row for row in board.levels[0].rows}
    assert (rows["probe"].rank, rows["probe"].alike, rows["probe"].done) == (None, (), 2)
    assert (rows["dense"].rank, rows["dense"].alike) == (1, ("lt",))
    assert "probe" not in {safety.entry for safety in board.safeties}
    assert board.probe.badly_trained
