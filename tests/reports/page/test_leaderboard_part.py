import shlex

import pytest

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.page.leaderboard_part import leaderboard_values, telling_level
from harness.reports.words.verdict_table import SIGNS


def board_of(results):
    (board,) = leaderboard(results)
    return board


def entered(trial, **missed):
    """Three levels of each entry, each of which misses so many of 120 positives; dense misses 12."""
    trial.entry("dense", 1.0, 12)
    for name, by_level in missed.items():
        for density, number in zip((0.5, 0.25, 0.125), by_level, strict=True):
            trial.entry(name, density, number, control=name == "random")
    return board_of(trial.results())


@pytest.mark.parametrize(
    ("missed", "level"),
    [
        ({"lt": (12, 12, 100), "snip": (12, 100, 100)}, 0.25),  # the smallest that anybody is safe at
        ({"lt": (100, 100, 100), "random": (12, 12, 12)}, 0.5),  # a control's does not count: the first pruned one
    ],
)
def test_the_level_that_is_shown_first_tells_most(trial, missed, level):
    assert telling_level(entered(trial(), **missed)) == level


def test_the_command_that_takes_a_network_home_names_the_group_of_its_fold(trial):
    made = trial(folds=2).entry("dense", 1.0, 12).entry("lt", 0.5, 12)
    board = board_of(made.results())
    (own,) = {cell.group for cell in board.cells if cell.network == (1, 0)}
    assert own != board.group
    words = shlex.split(leaderboard_values(board)["export"])
    assert words[-8:] == ["--seed", "0", "--fold", "1", "--group", own, "-o", "network.onnx"]


def test_without_a_pruned_level_the_dense_one_is_shown(trial):
    assert telling_level(board_of(trial().entry("dense", 1.0, 12).results())) == 1.0


def test_each_answer_stands_with_its_kind_and_leads_to_its_row(trial):
    board = entered(trial(), lt=(12, 100, 12), snip=(12, 12, 12))
    said = leaderboard_values(board)["answers"]
    rows = [found.entry for found in board.verdicts]
    assert {key: (one.kind, one.word) for key, one in said.items() if key[0] == "lt"} == {
        ("lt", 0.5): ("safe", "safe"),
        ("lt", 0.25): ("loses", "loses positives"),
        ("lt", 0.125): ("below", "below a stop"),
    }
    assert all(rows[one.place - 1] == entry for (entry, _), one in said.items())
    assert said["lt", 0.5].order < said["lt", 0.25].order == [*SIGNS].index("loses")


def test_the_choices_are_what_the_board_has(trial):
    board = entered(trial(), lt=(12, 12, 12), random=(60, 60, 60))
    found = leaderboard_values(board)
    assert found["losses"] == ["plain"]
    assert found["families"] == sorted({row.family for level in board.levels for row in level.rows})
    assert found["labels"] == ["100%", "50%", "25%", "12.5%"]
    assert found["reference"].entry == "dense"


def test_intervals_of_all_levels_share_an_axis(trial):
    board = entered(trial(), lt=(12, 60, 100))
    scale = leaderboard_values(board)["scales"]["auc"]
    ends = [end for level in board.levels for row in level.rows if row.auc for end in row.auc.method or row.auc.these]
    assert (scale.least, scale.most) == (min(ends), max(ends))
