"""The tables of a board hold the figures of the board."""

import pytest

from harness.reports.analysis.columns import COLUMNS
from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.export.table import Figure, flat, text_of
from harness.reports.export.tables import tables


def named(board):
    return {table.name: table for table in tables(board)}


@pytest.fixture
def board(usual):
    (board,) = leaderboard(usual.results())
    return board


def test_every_table_of_the_page_is_there_where_it_has_a_row(board):
    assert list(named(board)) == [
        "safety-map",
        "answers",
        *(f"leaderboard-100-percent{view}" for view in ("", "-worth", "-size-and-cost", "-device")),
        *(f"leaderboard-50-percent{view}" for view in ("", "-worth", "-size-and-cost", "-device")),
        "calibration",
        "methods",
    ]


def test_loss_pairs_and_layers_have_theirs(crossed, scores):
    crossed.done("snip", 0, 0.5, scores(), layers={"conv1.weight": [50, 40, 100]})
    (board,) = leaderboard(crossed.results())
    found = named(board)
    (pair,) = board.pairs
    rows = found["loss-pairs"].rows
    assert [row[3] for row in rows] == ["100%", "50%", "25%"]
    for row, level in zip(rows, pair.levels, strict=True):
        effect = level.effects["loss_on_dense"]
        assert row[4] == Figure(effect.value, effect.low, effect.high)
    assert found["layers"].rows == (("snip", "conv1", Figure(0.5)),)


def test_a_leaderboard_has_every_row_and_figure(board):
    for level, name in zip(board.levels, ("100", "50"), strict=True):
        table = named(board)[f"leaderboard-{name}-percent"]
        titles = [head.title for head in table.heads]
        assert titles[:5] == ["Rank", "Ties", "Entry", "Loss", "AUC-ROC"]
        assert [row[2] for row in table.rows] == [row.entry for row in level.rows]
        for told, row in zip(table.rows, level.rows, strict=True):
            low, high = row.auc.method or row.auc.these
            assert told[4] == Figure(row.auc.value, low, high)
            assert told[-1] == f"{row.done}/{row.asked}"
            missed = told[titles.index("Missed, deployed")]
            assert missed.value == row.figures["missed"].share


def test_the_views_of_a_level_share_out_its_columns_and_have_the_same_rows(board):
    parts = [named(board)[f"leaderboard-50-percent{view}"] for view in ("", "-worth", "-size-and-cost", "-device")]
    titles = [head.title for part in parts for head in part.heads[4:-1]]
    assert titles == [column.title.replace("\N{SOFT HYPHEN}", "") for column in COLUMNS if column.title]
    assert all(len(part.heads) <= 10 for part in parts)
    assert len({tuple(row[:4] for row in part.rows) for part in parts}) == 1


def test_answers_have_both_contrasts_with_their_intervals(board):
    table = named(board)["answers"]
    steps = [(one, step) for one in board.verdicts for step in one.steps]
    assert len(table.rows) == len(steps)
    for row, (one, step) in zip(table.rows, steps, strict=True):
        assert row[:2] == (one.entry, f"{100 * step.density:g}%")
        if step.judgement:
            assert row[3] == Figure(step.judgement.loss.value, *step.judgement.loss.interval())
            assert row[4] == Figure(step.auc.value, *step.auc.interval())


def test_rows_are_as_long_as_their_heads_and_flat_ones_as_their_titles(board):
    for table in tables(board):
        titles, rows = flat(table)
        assert len(set(titles)) == len(titles)
        assert all(len(row) == len(titles) for row in rows)
        for row in table.rows:
            assert all(text_of(cell, head) is not None for cell, head in zip(row, table.heads, strict=True))
