"""Twins in int8 among the results: judged like any entry, without a word to change on what they are twins of."""

import numpy as np
import pytest

from harness.evaluation.safety import Answer
from harness.reports.analysis.candidates import candidates, judged_by
from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.analysis.margins import nearest_margin
from harness.reports.analysis.verdicts import verdicts
from harness.reports.charts.by_level import level_shown
from harness.reports.page.leaderboard_part import telling_level
from harness.reports.words.headline import answer
from harness.reports.words.verdicts import verdict

SEEDS = range(5)
TWIN = ("lt+int8", 0.25)


def draw(made, twins, lost=0.0, entries=("lt", "snip")):
    """Five seeds of strong networks; twins are a little noise away, and at 0.25 ``lost`` below on positives."""
    draws, nudges = np.random.default_rng(0), np.random.default_rng(1)
    labels = np.r_[np.ones(200), np.zeros(200)].astype(int)
    dense = {seed: 2.2 * labels + draws.normal(size=400) for seed in SEEDS}
    for seed in SEEDS:
        made.done("dense", seed, 1, dense[seed], labels=labels)
        small = dense[seed] + nudges.normal(scale=0.02, size=400)
        for entry in entries:
            pruned = dense[seed] + draws.normal(scale=0.2, size=400)
            made.done(entry, seed, 1, dense[seed], labels=labels, **{"size/bits": 32})
            made.done(entry, seed, 0.25, pruned, labels=labels, **{"size/bits": 32})
            noise = nudges.normal(scale=0.02, size=400)
            if twins:
                made.done(f"{entry}+int8", seed, 1, small, labels=labels, **{"size/bits": 8})
                made.done(
                    f"{entry}+int8", seed, 0.25, pruned + noise - lost * labels, labels=labels, **{"size/bits": 8}
                )
    return made


def board(made):
    (found,) = leaderboard(made.results())
    return found


def by_entry(found):
    return {one.entry: one for one in found.verdicts}


def test_a_twin_s_dense_level_is_a_claim_of_its_own(bench):
    found = by_entry(board(draw(bench, twins=True)))
    assert [step.density for step in found["lt"].steps] == [0.25]
    twin = found["lt+int8"]
    assert [(step.density, step.answer) for step in twin.steps] == [(1.0, Answer.SAFE), (0.25, Answer.SAFE)]
    assert twin.density == 0.25


def test_a_loss_that_would_do_for_a_twin_is_judged_as_the_twin_is(bench):
    found = board(draw(bench, twins=True, lost=0.15))
    for delta in (0.02, 0.04):
        judged = judged_by(found.cells, 0.3, delta)
        twin = next(
            one
            for one in candidates(verdicts(judged, found.design), judged, {}, 0.95)
            if (one.entry, one.density) == TWIN
        )
        margin = nearest_margin(judged, found.design, twin, delta, 0.95)
        assert margin is not None
        judged = judged_by(found.cells, 0.3, margin)
        again = candidates(verdicts(judged, found.design), judged, {}, 0.95)
        assert next(one for one in again if (one.entry, one.density) == TWIN).safe
        assert (margin == delta) == twin.safe


def test_a_twin_may_be_safe_at_its_dense_level_alone(bench):
    found = board(draw(bench, twins=True, lost=1.5))
    twin = by_entry(found)["lt+int8"]
    assert [step.answer for step in twin.steps] == [Answer.SAFE, Answer.LOSES]
    assert (twin.density, verdict(twin)) == (1.0, "safe to 100%")
    assert level_shown(found) == telling_level(found) == 0.25  # pictures are of pruned networks
    assert "“lt+int8” and “snip+int8” down to 100%" in " ".join(answer(found))


def test_the_answers_on_entries_are_the_same_without_twins(bench):
    alone, together = (board(draw(type(bench)(), twins=twins)) for twins in (False, True))
    for entry in ("lt", "snip"):
        assert by_entry(together)[entry] == by_entry(alone)[entry]
    assert together.resolution == alone.resolution
    ranks = [
        {row.entry: (row.rank, row.letters) for level in one.levels for row in level.rows if level.density < 1}
        for one in (alone, together)
    ]
    assert ranks[0].items() <= ranks[1].items()
    assert ranks[1]["lt+int8"] == (None, "")


def test_the_dense_networks_in_int8_of_all_methods_are_one_row(bench):
    (level,) = [one for one in board(draw(bench, twins=True)).levels if one.density == 1]
    rows = {row.entry: (row.alike, row.figures["bits"]) for row in level.rows}
    assert rows["lt+int8"] == (("snip+int8",), 8)
    assert rows["dense"][0] == ("lt", "snip")


@pytest.mark.parametrize(("lost", "passes"), [(0.0, "“snip” and “snip+int8” down to 25%"), (1.5, "“snip” down to 25%")])
def test_the_dense_network_in_int8_of_a_control_is_no_control_that_passes(bench, lost, passes):
    draw(bench, twins=True, lost=lost)
    for row in bench.rows:
        row["control"] = row["entry"].startswith("snip")
    assert f"pass{'es' * (lost > 0)}: {passes}. So far down" in " ".join(answer(board(bench)))
