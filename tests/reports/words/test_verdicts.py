import pytest

from harness.reports.analysis.estimates import Rate
from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.words.verdicts import of, verdict


@pytest.mark.parametrize(("k", "text"), [(3.0, "3/30"), (6.5, "6.5/30")])
def test_a_rate_is_never_without_its_counts(k, text):
    assert of(Rate(k, 30.0, 0.0, 1.0)) == text


def test_a_verdict_is_a_share_or_says_why_not(usual):
    (board,) = leaderboard(usual.results())
    assert {one.entry: verdict(one) for one in board.safeties} == {
        "lt": "50%",
        "random": "none",
        "snip": "not measured",
    }


def test_an_entry_that_was_only_trained_dense_is_not_measured(bench, scores):
    for entry in ("dense", "lt"):
        bench.done(entry, 0, 1.0, scores())
    (board,) = leaderboard(bench.results())
    assert [verdict(one) for one in board.safeties] == ["not measured"]
