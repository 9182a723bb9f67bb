"""Two kinds of machine side by side: each against its own dense networks, and nothing paired."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from harness.evaluation.contrasts import Contrast
from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.analysis.other_machines import unpaired


def machine(trial, environment, missed, seeds=4, folds=0, kin="k"):
    made = trial(folds=folds) if folds else trial()
    for entry, density, lost in (("dense", 1.0, missed[0]), ("lt", 1.0, missed[0]), ("lt", 0.5, missed[1])):
        made.entry(entry, density, lost, seeds=range(seeds))
    return made.results(environment=environment, kin=kin)


def both(one, other):
    """Results of two groups: the second's runs and group have names of their own."""
    cells = other.cells.assign(run_id="2" + other.cells["run_id"], group="2" + other.cells["group"])
    scores = other.scores.assign(run_id="2" + other.scores["run_id"])
    groups = {f"2{group}": facts | {"group": f"2{group}"} for group, facts in other.groups.items()}
    return replace(
        one,
        cells=pd.concat([one.cells, cells], ignore_index=True),
        scores=pd.concat([one.scores, scores], ignore_index=True),
        groups=one.groups | groups,
    )


def losses(results, density=0.5):
    """AUC of lt less that of dense, by seed, by counting pairs."""
    found = {}
    tested = results.scores[results.scores["split"] == "test"]
    for (entry, seed, at), rows in tested.groupby(["entry", "seed", "density"]):
        if (entry, at) in (("dense", 1.0), ("lt", density)):
            positives, negatives = (rows[rows["label"] == label]["score"].to_numpy() for label in (1, 0))
            pairs = itertools.product(positives, negatives)
            found[entry, seed] = np.mean([(p > n) + (p == n) / 2 for p, n in pairs])
    return [found["lt", seed] - found["dense", seed] for _, seed in sorted(found) if _ == "dense"]


def test_what_an_entry_loses_is_against_the_dense_network_of_its_own_machine(trial):
    here, there = machine(trial, "cpu one", (5, 9)), machine(trial, "cpu two", (7, 16))
    first, second = leaderboard(both(here, there))
    (other,) = first.other_machines
    assert (other.group, other.environment) == (second.group, "cpu two")
    (one,) = other.entries
    assert (one.entry, one.density) == ("lt", 0.5)
    mine, theirs = np.mean(losses(here)), np.mean(losses(there))
    assert (one.here, one.there) == pytest.approx((mine, theirs), abs=1e-12)
    assert one.difference == pytest.approx(mine - theirs, abs=1e-12)
    assert one.low < one.difference < one.high
    (back,) = second.other_machines[0].entries
    assert (back.low, back.high) == pytest.approx((-one.high, -one.low))


@pytest.mark.parametrize("seeds", [1, 2])
def test_below_three_networks_nothing_is_compared(trial, seeds):
    one, two = (machine(trial, name, (5, 9), seeds=seeds) for name in ("one", "two"))
    first, _ = leaderboard(both(one, two))
    assert [other.entries for other in first.other_machines] == [()]


def test_another_measurement_or_one_without_kin_is_no_other_machine(trial):
    one = machine(trial, "one", (5, 9))
    for other in (machine(trial, "two", (5, 9), kin="another"), machine(trial, "one", (6, 9))):
        assert [board.other_machines for board in leaderboard(both(one, other))] == [(), ()]
    without = [machine(trial, name, (5, 9), kin=None) for name in ("one", "two")]
    assert [board.other_machines for board in leaderboard(both(*without))] == [(), ()]


def test_the_interval_is_welchs():
    """Of two samples of networks, the noise of images left out, it is that of scipy's test without equal variances."""
    draws = np.random.default_rng(0)
    one, other = draws.normal(0.1, 0.05, 5), draws.normal(0.0, 0.01, 9)
    contrasts = [Contrast(x.mean(), x.var(ddof=1) / len(x), len(x) - 1, 0.0) for x in (one, other)]
    expected = stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    assert unpaired(*contrasts).interval() == pytest.approx((expected.low, expected.high), rel=1e-9)
