import numpy as np
import pytest

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.words.troubles import troubles

CUT = "no path leads from the input to the output; features.conv4.weight has none of its 884,736 weights left"
FLAT_SCORES = "its validation scores spread less than 1% of what the dense network's do (same seed, plain loss)"
FLAT = np.full(70, 0.25)


def found(bench):
    (board,) = leaderboard(bench.results())
    return troubles(board.cells)


@pytest.mark.parametrize(
    ("flags", "collapsed", "reason", "what", "why"),
    [
        ({"flag/disconnected": 1.0, "size/emptied": 1.0}, 1.0, CUT, "disconnected, collapsed", CUT),
        ({"flag/disconnected": 1.0}, 0.0, "", "disconnected", "no path leads from the input to the output"),
        ({"size/emptied": 2.0}, 0.0, "a.weight has none", "empty layer", "a.weight has none"),
        ({}, 1.0, "", "collapsed", FLAT_SCORES),
        ({}, 1.0, "nothing was trained", "collapsed", "nothing was trained"),
    ],
)
def test_a_network_that_is_no_use_is_named_with_its_reason(bench, flags, collapsed, reason, what, why):
    bench.done("snip", 0, 0.5, FLAT, collapsed=collapsed, reason=reason, **flags)
    (trouble,) = found(bench)
    assert (trouble.entry, trouble.what, trouble.why) == ("snip", what, why)
    assert (trouble.seeds, trouble.levels) == ((0,), (0.5,))


def test_cells_of_one_cause_stand_together(usual):
    for seed in (0, 1):
        for level in (0.25, 0.5):
            usual.missing("mobilenet", seed, level, "skipped", "it needs 224 pixels")
    (lost, skipped) = found(usual)
    assert (lost.entry, lost.what, lost.seeds) == ("snip", "diverged", (1,))
    assert (skipped.what, skipped.why, skipped.seeds) == ("skipped", "it needs 224 pixels", (0, 1))
    assert skipped.levels == (0.5, 0.25)


def test_flags_that_are_not_set_or_not_known_are_no_trouble(bench, scores):
    bench.done("lt", 0, 0.5, scores(), **{"flag/disconnected": 0.0, "size/emptied": 0.0})
    bench.done("lt", 1, 0.5, scores())
    assert found(bench) == ()
