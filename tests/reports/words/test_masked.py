"""Where zeros save storage and no time: said of masked networks, and of these alone."""

import pytest

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.words.masked import zeros

MASKED, CUT = {"conv.weight": (5, 5, 10)}, {"conv.weight": (5, 5, 5)}


@pytest.fixture
def said(bench, scores):
    """Return a function that gives entries with their layers, and what is said of them."""

    def say(told, dense=None, **facts):
        bench.done("dense", 0, 1.0, scores(seed=0), **(dense or {}))
        for place, (entry, layers) in enumerate(told.items()):
            bench.done(entry, 0, 0.5, scores(seed=place + 1), layers=layers, **facts)
        (board,) = leaderboard(bench.results())
        return zeros(board)

    return say


def test_a_masked_network_takes_as_long_as_dense(said):
    text = said({"lt": MASKED, "beta-rank": CUT})
    assert text.startswith("Zeros save storage and no time: lt keeps the dense network's shape.")
    assert "takes as long as for dense." in text
    assert "beta-rank" not in text


def test_smaller_networks_need_no_such_sentence(said):
    assert said({"beta-rank": CUT, "older": None}) == ""


def test_many_are_counted(said):
    assert "a, b, c and 2 more keep the dense network's shape" in said(dict.fromkeys("abcde", MASKED))


def test_what_a_machine_measured_of_both_stands_beside(said):
    dense = {"measured/Pi/latency": 10.0}
    text = said({"lt": MASKED}, dense, **{"measured/Pi/latency": 10.25})
    assert "takes as long as for dense (on Pi 10 ms for dense, 10.2 ms for lt at 50%)." in text


def test_a_machine_that_measured_one_of_them_says_nothing(said):
    assert "Pi" not in said({"lt": MASKED}, {"measured/Pi/latency": 10.0})
