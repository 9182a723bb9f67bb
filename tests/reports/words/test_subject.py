from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.words.subject import subject


def test_a_board_is_named_by_network_networks_positives_and_day(trial):
    facts = {"network": "resnet18", "size": 64, "positive": "malignant", "finished": "2026-02-03T10:00:00+00:00"}
    (board,) = leaderboard(trial(folds=2).entry("dense", 1.0, 12).results(**facts))
    assert subject(board) == [
        "resnet18, 64 px",
        "2 folds of 3 seeds",
        "240 tested positives (malignant)",
        "newest result 2026-02-03",
    ]


def test_what_is_not_known_is_left_out(bench, scores):
    bench.done("dense", 0, 1.0, scores())
    (board,) = leaderboard(bench.results())
    assert subject(board)[1:] == ["1 seed", "30 tested positives (malignant)"]
