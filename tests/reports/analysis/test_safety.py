"""How small an entry may get, counted image by image."""

import numpy as np
import pytest

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.words.verdicts import verdict


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
