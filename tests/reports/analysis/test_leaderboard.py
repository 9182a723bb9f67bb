import math

import numpy as np
import pytest
from scipy import stats

from harness.reports.analysis.leaderboard import leaderboard, ranks


def rows(board, density):
    return {row.entry: row for level in board.levels if level.density == density for row in level.rows}


def counted(results, entry, density, label, cut_name):
    """Errors of each seed, counted image by image."""
    found = []
    cells = results.cells[(results.cells["entry"] == entry) & (results.cells["density"] == density)]
    for _, cell in cells.iterrows():
        wrong = 0
        for _, image in results.scores[results.scores["run_id"] == cell["run_id"]].iterrows():
            called = int(image["score"] > cell[f"threshold/{cut_name}"])
            wrong += image["density"] == density and image["label"] == label and called != label
        found.append(wrong)
    return found


def test_counts_equal_counting_images(usual):
    results = usual.results()
    row = rows(leaderboard(results)[0], 0.5)["lt"]
    for name, label, cut in [("fn/sens95", 1, "sens95"), ("fp/sens95", 0, "sens95"), ("fn/argmax", 1, "argmax")]:
        counts = counted(results, "lt", 0.5, label, cut)
        assert row.figures[name].k == np.mean(counts)
        assert row.figures[name].n == (30 if label else 40)
    assert row.figures["fn/argmax"].k == 1.5
    interval = stats.binomtest(4, 40).proportion_ci(0.95, method="exact")
    assert (row.figures["fp/argmax"].low, row.figures["fp/argmax"].high) == pytest.approx(interval, abs=1e-9)


def test_auc_is_the_mean_over_seeds_with_their_range(usual):
    results = usual.results()
    row = rows(leaderboard(results)[0], 0.5)["random"]
    aucs = []
    for seed in (0, 1):
        own = results.scores[(results.scores["entry"] == "random") & (results.scores["seed"] == seed)]
        positives, negatives = own[own["label"] == 1]["score"], own[own["label"] == 0]["score"]
        aucs.append(np.mean([a > b for a in positives for b in negatives]))
    assert row.auc.value == pytest.approx(np.mean(aucs))
    assert (row.auc.least, row.auc.most) == pytest.approx((min(aucs), max(aucs)))
    assert row.auc.low < row.auc.value < row.auc.high


def test_a_method_far_below_the_best_does_not_share_its_rank(usual):
    level = rows(leaderboard(usual.results())[0], 0.5)
    assert (level["lt"].rank, level["random"].rank) == (1, 2)


def test_equals_share_a_rank_and_the_next_one_is_counted_on(scores):
    labels = np.r_[np.ones(30, dtype=int), np.zeros(40, dtype=int)]
    same = scores()[None]
    poor = np.random.default_rng(0).normal(size=(1, 70))
    assert ranks(labels, {"a": same, "poor": poor, "b": same}) == {"a": 1, "b": 1, "poor": 3}


def test_a_failed_seed_is_shown_and_not_ranked(usual):
    row = rows(leaderboard(usual.results())[0], 0.5)["snip"]
    assert (row.rank, row.done, row.asked, row.problems) == (None, 1, 2, ("diverged 1/2",))
    assert row.auc is not None


def test_an_entry_that_failed_everywhere_is_still_a_row(usual):
    usual.missing("mobilenet", 0, 0.5, "skipped", "too narrow")
    row = rows(leaderboard(usual.results())[0], 0.5)["mobilenet"]
    assert (row.rank, row.auc, row.done) == (None, None, 0)
    assert math.isnan(row.figures["ap"])


def test_a_collapsed_network_has_no_rank(usual):
    for seed in (0, 1):
        usual.done("flat", seed, 0.5, np.full(70, 0.25), collapsed=1.0)
    row = rows(leaderboard(usual.results())[0], 0.5)["flat"]
    assert (row.rank, row.collapsed, row.auc.value) == (None, 2, 0.5)


def test_the_same_dense_network_is_one_row(usual):
    level = rows(leaderboard(usual.results())[0], 1.0)
    assert set(level) == {"dense"}
    assert level["dense"].alike == ("lt",)


def test_alive_and_remaining_are_shares_of_the_dense_network(usual):
    row = rows(leaderboard(usual.results())[0], 0.5)["lt"]
    assert (row.figures["remaining"], row.figures["alive"]) == (0.5, 0.45)


def test_groups_never_share_a_board(usual, scores):
    usual.done("dense", 0, 1.0, scores(seed=5), group="other")
    usual.done("lt", 0, 0.5, scores(seed=5), group="other")
    first, second = leaderboard(usual.results())
    assert {cell.group for cell in first.cells} == {"g"}
    assert (first.seeds, second.seeds) == ((0, 1), (0,))
    assert set(rows(second, 0.5)) == {"lt"}


def test_a_row_has_the_mean_of_its_seeds(bench, scores):
    for seed, flops in ((0, 1000.0), (1, 3000.0)):
        bench.done("dense", seed, 1.0, scores(seed=seed), **{"size/flops": 4000.0})
        bench.done("lt", seed, 0.5, scores(seed=seed), **{"size/flops": flops})
    (board,) = leaderboard(bench.results())
    assert board.levels[1].rows[0].figures["flops_left"] == 0.5


def test_rows_stand_by_budget_and_by_auc_within_one(budgeted):
    (level,) = [level for level in leaderboard(budgeted.results())[0].levels if level.density == 0.5]
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


def test_ranks_are_over_the_whole_level_whatever_the_budget(budgeted):
    level = rows(leaderboard(budgeted.results())[0], 0.5)
    assert level["random"].auc.value < level["lt"].auc.value
    assert (level["lt"].rank, level["random"].rank) == (1, 3)
