import math

import numpy as np
import pytest
from scipy import stats

from harness.reports.analysis.leaderboard import leaderboard, ranks
from harness.reports.words.verdicts import verdict


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


def safeties(results):
    return {safety.entry: safety for safety in leaderboard(results)[0].safeties}


def test_safe_compression_counts_discordant_positives_of_the_same_seed(usual):
    results = usual.results()
    step = safeties(results)["lt"].steps[-1]
    missed = {}
    for entry, density in [("dense", 1.0), ("lt", 0.5)]:
        cells = results.cells[(results.cells["entry"] == entry) & (results.cells["density"] == density)]
        cuts = dict(zip(cells["seed"], cells["threshold/sens95"], strict=True))
        own = results.scores[(results.scores["entry"] == entry) & (results.scores["density"] == density)]
        missed[entry] = {
            (row["seed"], row["id"])
            for _, row in own.iterrows()
            if row["label"] == 1 and not row["score"] > cuts[row["seed"]]
        }
    assert step.newly_missed == len(missed["lt"] - missed["dense"]) / 2
    assert step.newly_found == len(missed["dense"] - missed["lt"]) / 2


def test_safe_compression_of_a_network_that_misses_the_same(bench, scores):
    bench.done("dense", 0, 1.0, scores())
    bench.done("lt", 0, 0.5, scores())
    found = safeties(bench.results())["lt"]
    assert (found.density, verdict(found)) == (0.5, "50%")
    assert found.steps[0].bound == pytest.approx(1.6448536**2 / (30 + 1.6448536**2), abs=1e-6)


def test_few_misses_bought_with_false_alarms_are_not_safe(usual):
    found = safeties(usual.results())["random"]
    assert verdict(found) == "none"
    assert "false alarms" in found.note


def test_a_guessing_network_is_not_safe_though_the_dense_one_cries_wolf_too(bench):
    """Both call nearly everything positive, so that neither misses nor false alarms tell them apart."""
    weak = np.r_[np.full(29, 1.0), -9.0, np.full(12, -5.0), np.full(28, 0.9)]
    guess = np.r_[np.linspace(0, 1, 29), -9.0, np.linspace(0, 1, 39), -8.0]
    bench.done("dense", 0, 1.0, weak, **{"threshold/sens95": -8.5})
    bench.done("snip", 0, 0.5, guess, **{"threshold/sens95": -8.5})
    found = safeties(bench.results())["snip"]
    assert verdict(found) == "none"
    assert "not shown to beat guessing" in found.note


def test_a_missing_seed_ends_the_walk(usual):
    found = safeties(usual.results())["snip"]
    assert verdict(found) == "not measured"
    assert found.note == "diverged (1 of 2 seeds) at 50%"


def test_a_collapse_is_no_safe_level(bench, scores):
    bench.done("dense", 0, 1.0, scores())
    bench.done("flat", 0, 0.5, np.full(70, 0.25), collapsed=1.0)
    found = safeties(bench.results())["flat"]
    assert verdict(found) == "none"
    assert "collapsed" in found.note


def test_more_misses_at_a_level_end_the_walk_with_a_note(bench, scores):
    bench.done("dense", 0, 1.0, scores())
    bench.done("lt", 0, 0.5, scores())
    bench.done("lt", 0, 0.25, scores(missed=9), **{"threshold/sens95": 0.0})
    found = safeties(bench.results())["lt"]
    assert verdict(found) == "50%"
    assert "more misses at 25%" in found.note


def test_what_cannot_be_compared_is_refused(usual):
    results = usual.results()
    results.scores.loc[0, "id"] = "another image"
    with pytest.raises(ValueError, match="different test images"):
        leaderboard(results)
    usual.rows.append(usual.rows[0])
    with pytest.raises(ValueError, match="twice"):
        leaderboard(usual.results())
