import pytest

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.words.banners import banners


@pytest.mark.parametrize(
    ("facts", "titles", "loud"),
    [
        ({}, [], []),
        ({"simulated": True}, ["Simulated images"], [False]),
        ({"simulated": True, "fallback_for": "isic"}, ["Not “isic”: simulated images in its place"], [True]),
        (
            {"simulated": True, "w0_saw_classes": True, "pretraining": {"dataset": "spots[seed=3]"}},
            ["Simulated images", "W0 has seen these classes"],
            [False, False],
        ),
        (
            {"void": True, "simulated": True, "partial": {"train": {"found": 1, "expected": 2}}},
            ["Void: the dense network has not learnt the task", "Simulated images", "Partial data"],
            [True, False, False],
        ),
        ({"caveats": []}, [], []),
        (
            {"caveats": ["Tiles of one photo fall on both sides."], "partial": {"train": {"found": 1, "expected": 2}}},
            ["Partial data", "Mind the images"],
            [False, False],
        ),
    ],
)
def test_the_gravest_comes_first_and_takes_the_numbers_meaning_away(make, facts, titles, loud):
    (board,) = leaderboard(make(**facts))
    found = banners(board)
    assert [one.title for one in found] == titles
    assert [one.loud for one in found] == loud


def test_every_caveat_of_the_data_set_is_told(make):
    caveats = ["Tiles of one photo fall on both sides.", "Nobody knows which."]
    (banner,) = banners(leaderboard(make(caveats=caveats))[0])
    assert banner.text == "Tiles of one photo fall on both sides. Nobody knows which."


def test_missing_images_are_counted_by_split(make):
    partial = {"train": {"found": 806, "expected": 900}, "test": {"found": 3, "expected": 4}}
    (board,) = leaderboard(make(partial=partial))
    (banner,) = banners(board)
    assert "(train: 806 of 900 images; test: 3 of 4 images)" in banner.text


@pytest.mark.parametrize(("missed", "alarms", "loud"), [(1, 4, False), (14, 20, True)])
def test_a_dense_network_that_is_not_above_the_probe_is_badly_trained(bench, scores, missed, alarms, loud):
    """Loudly where the interval of the difference shows it."""
    for seed in (0, 1):
        bench.done("dense", seed, 1.0, scores(missed=missed, alarms=alarms, seed=seed))
        bench.done("probe", seed, 1.0, scores(seed=seed))
    (board,) = leaderboard(bench.results(simulated=True))
    banner, simulated = banners(board)
    assert simulated.title == "Simulated images"
    assert (banner.title, banner.loud) == ("Badly trained dense network", loud)
    found = board.probe
    assert f"Its test AUC, {found.dense:.3f}, is not above" in banner.text
    assert f"(probe, {found.probe:.3f}; difference " in banner.text


def test_one_that_is_above_the_probe_is_not(bench, scores):
    bench.done("dense", 0, 1.0, scores())
    bench.done("probe", 0, 1.0, scores(missed=2))
    assert banners(leaderboard(bench.results())[0]) == []
