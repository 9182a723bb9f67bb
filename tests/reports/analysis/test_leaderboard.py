"""Rows and ranks of a level: what is shown to be better, and what is a tie."""

import math
from dataclasses import astuple
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from harness.evaluation.safety import Answer
from harness.reports.analysis.differences import auc_contrast
from harness.reports.analysis.leaderboard import leaderboard

pytestmark = pytest.mark.usefixtures("uncounted")


def board_of(made, **facts):
    (board,) = leaderboard(made.results(**facts))
    return board


def rows(board, density=0.5):
    return {row.entry: row for level in board.levels if level.density == density for row in level.rows}


@pytest.fixture
def ranked(trial):
    """Two good entries, one worse, one worse still."""
    made = trial().entry("dense", 1.0, 12)
    for name, missed in (("a", 12), ("b", 14), ("c", 40), ("d", 70)):
        made.entry(name, 0.5, missed)
    return made


def test_rank_is_one_more_than_the_entries_shown_to_be_better(ranked):
    found = rows(board_of(ranked))
    assert {name: (row.rank, row.letters) for name, row in found.items()} == {
        "a": (1, "a"),
        "b": (1, "a"),
        "c": (3, "b"),
        "d": (4, "c"),
    }
    assert [*found] == ["a", "b", "c", "d"]


def test_pairs_are_corrected_over_all_levels_of_the_board(ranked):
    """By Holm's procedure over the p-values of every pair of every level, from the contrasts themselves."""
    for name, missed in (("a", 20), ("b", 30), ("c", 33), ("d", 41)):
        ranked.entry(name, 0.25, missed, spread=5)
    ranked.entry("dense-like", 1.0, 22)
    board = board_of(ranked)
    p_values = {}
    for level in board.levels:
        names = [row.entry for row in level.rows]
        own = [[c for c in board.cells if (c.entry, c.density) == (name, level.density)] for name in names]
        for i, j in combinations(range(len(names)), 2):
            weights = [0.0] * len(names)
            weights[i], weights[j] = 1.0, -1.0
            found = auc_contrast(own, weights)
            p_values[level.density, names[i], names[j]] = 2 * stats.t.sf(
                abs(found.value) / math.sqrt(found.variance), found.freedom
            )
    rejected = set()
    for step, pair in enumerate(sorted(p_values, key=p_values.get)):
        if p_values[pair] > 0.05 / (len(p_values) - step):
            break
        rejected.add(pair)
    assert 0 < len(rejected) < len(p_values)
    for level in board.levels:
        for row in level.rows:
            better = sum((level.density, other.entry, row.entry) in rejected for other in level.rows)
            assert row.rank == 1 + better


def test_twenty_equal_entries_are_one_tie(trial):
    made = trial(positives=60, negatives=60).entry("dense", 1.0, 6, spread=2)
    for number in range(20):
        made.entry(f"m{number:02d}", 0.5, 6, spread=2).entry(f"m{number:02d}", 0.25, 6, spread=2)
    for density in (0.5, 0.25):
        found = rows(board_of(made), density)
        assert {(row.rank, row.letters) for row in found.values()} == {(1, "a")}


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_below_three_networks_nobody_has_a_rank(trial, seeds):
    made = trial().entry("dense", 1.0, 12, seeds=seeds)
    made.entry("a", 0.5, 12, seeds=seeds).entry("b", 0.5, 90, seeds=seeds)
    board = board_of(made)
    assert {(row.rank, row.letters) for level in board.levels for row in level.rows} == {(None, "")}
    assert {level.order for level in board.levels} == {None}
    assert [step.answer for one in board.verdicts for step in one.steps] == [Answer.ANECDOTE] * 2


def test_ranks_over_folds_need_every_fold(trial):
    made = trial(folds=4).entry("dense", 1.0, 12, spread=3)
    for name, missed in (("a", 12), ("b", 14), ("c", 60)):
        made.entry(name, 0.5, missed, spread=3)
    found = rows(board_of(made))
    assert {name: row.rank for name, row in found.items()} == {"a": 1, "b": 1, "c": 3}
    assert {(row.asked, row.done) for row in found.values()} == {(12, 12)}
    made.lose("a", fold=2)
    found = rows(board_of(made))
    assert {name: row.rank for name, row in found.items()} == {"a": None, "b": 1, "c": 2}
    assert (found["a"].asked, found["a"].done, found["a"].letters) == (12, 9, "")


def test_a_failed_seed_is_shown_and_not_ranked(ranked):
    ranked.lose("b", seed=1).network("b", 0.5, 1, None, status="diverged", reason="loss became NaN")
    row = rows(board_of(ranked))["b"]
    assert (row.rank, row.done, row.asked, row.problems) == (None, 2, 3, ("diverged 1/3",))
    assert row.auc is not None


def test_an_entry_that_failed_everywhere_is_still_a_row(ranked):
    ranked.network("mobilenet", 0.5, 0, None, status="skipped", reason="too narrow")
    row = rows(board_of(ranked))["mobilenet"]
    assert (row.rank, row.auc, row.done, row.asked) == (None, None, 0, 3)
    assert math.isnan(row.figures["ap"])


def test_a_collapsed_network_has_no_rank(ranked):
    for seed in (0, 1, 2):
        ranked.network("flat", 0.5, seed, np.full(270, 0.25), **{"flag/collapsed": 1.0})
    row = rows(board_of(ranked))["flat"]
    assert (row.rank, row.collapsed, row.auc.value) == (None, 3, 0.5)


def test_the_same_networks_share_rank_and_letters_and_are_compared_once(ranked):
    before = rows(board_of(ranked))
    for seed in (0, 1, 2):
        ranked.network("twin", 0.5, seed, ranked.scored(40, "c", 0.5, seed, 0))
    found = rows(board_of(ranked))
    assert (found["twin"].rank, found["twin"].letters) == (found["c"].rank, found["c"].letters) == (3, "b")
    assert {name: found[name].rank for name in before} == {name: row.rank for name, row in before.items()}


def test_the_same_dense_network_is_one_row(ranked):
    for name in ("a", "b"):
        for seed in (0, 1, 2):
            ranked.network(name, 1.0, seed, ranked.scored(12, "dense", 1.0, seed, 0))
    level = rows(board_of(ranked), 1.0)
    assert set(level) == {"dense"}
    assert level["dense"].alike == ("a", "b")


def test_the_probe_is_a_row_and_in_no_ranking(ranked):
    ranked.entry("probe", 1.0, 30)
    board = board_of(ranked)
    assert rows(board, 1.0)["probe"].rank is None
    assert "probe" not in {one.entry for one in board.verdicts}


def test_a_control_is_marked_and_ranked_like_any_other(ranked):
    ranked.entry("random", 0.5, 12, control=True)
    found = rows(board_of(ranked))
    assert {name for name, row in found.items() if row.control} == {"random"}
    assert found["random"].rank == 1


def test_groups_never_share_a_board(trial):
    made = trial(folds=3).entry("dense", 1.0, 12).entry("lt", 0.5, 12)
    made.entry("dense", 1.0, 12, folds=(0,)).entry("lt", 0.5, 50, folds=(0,))
    official, folded = sorted(leaderboard(made.results()), key=lambda board: board.design.folded)
    assert {cell.group for cell in official.cells} == {"g"}
    assert {cell.group for cell in folded.cells} == {"fold1", "fold2", "fold3"}
    assert [one.steps[0].answer for board in (official, folded) for one in board.verdicts] == [
        Answer.LOSES,
        Answer.SAFE,
    ]


def test_results_of_other_terms_are_another_group_with_its_own(trial):
    made = trial().entry("dense", 1.0, 12).entry("lt", 0.5, 12)
    first, second = made.results(), made.results(verdict={"fpr": 0.2, "delta": 0.05})
    for results, terms in ((first, (0.3, 0.1)), (second, (0.2, 0.05))):
        (board,) = leaderboard(results)
        assert (board.terms.fpr, board.terms.delta) == terms
        assert {cell.terms for cell in board.cells} == {board.terms}


def test_lift_is_what_the_dense_network_finds_beyond_guessing(trial):
    made = trial().entry("dense", 1.0, (12, 24, 30)).entry("lt", 0.5, 12)
    board = board_of(made)
    assert board.lift.value == pytest.approx(1 - 22 / 120 - 0.3)
    assert astuple(board.lift) == pytest.approx(astuple(board.verdicts[0].steps[0].judgement.lift))
    assert board_of(made.lose("dense", seed=1)).lift is None


def test_what_a_run_tells_apart_is_known_by_two_whole_entries_and_two_networks(trial):
    """The median error of all pairs, at the first step of Holm's correction and with power .8."""
    made = trial().entry("dense", 1.0, 12)
    for name, missed in (("a", 12), ("b", 20), ("c", 30)):
        made.entry(name, 0.5, missed)
    board = board_of(made)
    own = [[cell for cell in board.cells if cell.entry == name] for name in ("a", "b", "c")]
    pairs = [auc_contrast(own, weights) for weights in ((1, -1, 0), (1, 0, -1), (0, 1, -1))]
    error, freedom = (np.median([getattr(pair, name) for pair in pairs]) for name in ("error", "freedom"))
    wanted = (stats.t.ppf(1 - 0.05 / 6, freedom) + stats.norm.ppf(0.8)) * error
    assert board.resolution == pytest.approx(wanted, rel=1e-3)
    assert board_of(made.lose("b").lose("c")).resolution is None
    single = trial().entry("dense", 1.0, 12, seeds=(0,)).entry("a", 0.5, 12, seeds=(0,)).entry("b", 0.5, 9, seeds=(0,))
    assert board_of(single).resolution is None


def test_positives_are_counted_over_all_folds_once(trial):
    made = trial(folds=3, positives=20, negatives=30).entry("dense", 1.0, 2).entry("lt", 0.5, 2)
    assert board_of(made).positives == 60
    nothing = trial()
    nothing.network("lt", 0.5, 0, None, status="failed", reason="no reason")
    assert board_of(nothing).positives == 0


def test_a_row_has_the_mean_of_its_seeds(bench, scores):
    for seed, flops in ((0, 1000.0), (1, 3000.0)):
        bench.done("dense", seed, 1.0, scores(seed=seed), **{"size/flops": 4000.0})
        bench.done("lt", seed, 0.5, scores(seed=seed), **{"size/flops": flops})
    figures = rows(board_of(bench))["lt"].figures
    assert (figures["flops_left"], figures["remaining"], figures["alive"]) == (0.5, 0.5, 0.45)


def test_rows_stand_by_budget_and_by_auc_within_one(budgeted):
    (level,) = [level for level in board_of(budgeted).levels if level.density == 0.5]
    assert [(row.entry, row.budget) for row in level.rows] == [
        ("random", 300),
        ("lt", 600),
        ("magnitude", 600),
        ("mobilenet", None),
    ]
    assert [(group.budgets, [row.entry for row in group.members]) for group in level.groups] == [
        ((300,), ["random"]),
        ((600,), ["lt", "magnitude"]),
        ((None,), ["mobilenet"]),
    ]
