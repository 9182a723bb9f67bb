"""What a card says of an entry at a level is what the page says."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.export.entry_facts import entry_facts
from harness.reports.words.verdicts import brief, why


def test_the_answer_is_the_pages(usual):
    results = usual.results()
    (board,) = leaderboard(results)
    (verdict,) = [one for one in board.verdicts if one.entry == "lt"]
    (step,) = [one for one in verdict.steps if one.density == 0.5]
    found = entry_facts(results, "g", "lt", 0.5)
    assert (found["answer"], found["why"]) == (brief(step), why(step, board.terms))
    assert (found["networks"], found["networks_asked"], found["positives"]) == (3, 3, board.positives)
    assert found["control"] is False
    assert entry_facts(results, "g", "random", 0.5)["control"] is True


def test_figures_are_means_over_networks_with_intervals_around_them(usual, scores):
    labels = np.r_[np.ones(30), np.zeros(40)]
    found = entry_facts(usual.results(), "g", "lt", 0.5)["figures"]
    wanted = np.mean([roc_auc_score(labels, scores(missed=1 + seed, seed=seed)) for seed in range(3)])
    assert found["auc"]["value"] == pytest.approx(wanted)
    for interval in (found["auc"]["these_networks"], found["auc"]["method"]):
        assert interval[0] < wanted < interval[1]
    assert found["missed"]["n"] == 30
    low, high = found["missed"]["interval"]
    assert low <= found["missed"]["k"] / 30 <= high


def test_an_entry_that_lacks_a_network_has_its_reason(usual):
    found = entry_facts(usual.results(), "g", "snip", 0.5)
    assert found["answer"] == "no verdict"
    assert "diverged in seed 1" in found["why"]
    assert found["networks"] == 2


def test_below_a_stop_nothing_is_called_safe(trial):
    made = trial().entry("dense", 1.0, 12)
    for density, missed in ((0.5, 100), (0.25, 12)):
        made.entry("lt", density, missed)
    results = made.results()
    (board,) = leaderboard(results)
    found = entry_facts(results, board.group, "lt", 0.25)
    assert found["answer"] == "below a stop"
    assert "at 50% the answer is loses positives, and below a stop nothing is called safe" in found["why"]


def test_the_dense_network_is_not_judged(usual):
    found = entry_facts(usual.results(), "g", "dense", 1.0)
    assert found["answer"] == "no verdict"
    assert "others are held against" in found["why"]


def test_a_group_that_is_not_there_has_no_facts(usual):
    assert entry_facts(usual.results(), "another", "lt", 0.5) is None
