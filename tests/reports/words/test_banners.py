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
            {"void": True, "simulated": True, "partial": {"train": {"found": 1, "expected": 2}}},
            ["Void: the dense network has not learnt the task", "Simulated images", "Partial data"],
            [True, False, False],
        ),
    ],
)
def test_the_gravest_comes_first_and_takes_the_numbers_meaning_away(make, facts, titles, loud):
    (board,) = leaderboard(make(**facts))
    found = banners(board)
    assert [one.title for one in found] == titles
    assert [one.loud for one in found] == loud


def test_missing_images_are_counted_by_split(make):
    partial = {"train": {"found": 806, "expected": 900}, "test": {"found": 3, "expected": 4}}
    (board,) = leaderboard(make(partial=partial))
    (banner,) = banners(board)
    assert "(train: 806 of 900 images; test: 3 of 4 images)" in banner.text
