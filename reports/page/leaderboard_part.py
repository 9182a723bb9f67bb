"""What the leaderboard's template shows beside the board's rows: the columns, their axes, and each row's answer."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from harness.reports.analysis import columns
from harness.reports.analysis.estimates import Estimate
from harness.reports.analysis.leaderboard import Board, Row
from harness.reports.formatting import percents
from harness.reports.page.ranges import Scale, scale_of
from harness.reports.words.masked import zeros
from harness.reports.words.taking_home import export_command
from harness.reports.words.verdict_table import SIGNS, at_level, kind
from harness.results import names


class Said(NamedTuple):
    """The answer on an entry at a level: in words, its kind, its row in the safety map, and where it is sorted."""

    word: str
    kind: str
    place: int
    order: float


def leaderboard_values(board: Board) -> Mapping[str, Any]:
    """Return the values of the leaderboard's part."""
    rows = [row for level in board.levels for row in level.rows]
    return {
        "columns": [column for column in board.columns if column.title],
        "limits": _limits(board),
        "views": columns.VIEWS,
        "scales": _scales(board),
        "labels": percents([level.density for level in board.levels]),
        "level": telling_level(board),
        "families": sorted({family for row in rows if (family := row.family)}),
        "losses": sorted({row.loss for row in rows}),
        "answers": _answers(board),
        "signs": SIGNS,
        "export": _taking_home(board),
        names.PROBE: names.PROBE,
        "zeros": zeros(board),
        "reference": _dense(board) if any(level.density < 1 for level in board.levels) else None,
    }


def _taking_home(board: Board) -> str:
    """Return the command for the first network of the board, empty where it has none."""
    first = min(board.cells, key=lambda cell: cell.network, default=None)
    return export_command(f"{board.provenance['dataset']}", first.group, first.network) if first else ""


def _limits(board: Board) -> list[columns.Column]:
    """Return the columns by which a reader may leave out entries: those that are known of any."""
    figures = [row.figures for level in board.levels for row in level.rows]
    limited = [column for column in board.columns if column.limit]
    return [column for column in limited if any(one[column.name] == one[column.name] for one in figures)]


def telling_level(board: Board) -> float | None:
    """Return the level that a reader sees first: the smallest that some entry is safe at, or the first pruned one."""
    ends = [found.density for found in board.verdicts if found.density is not None and not found.control]
    safe = [density for density in ends if density < 1]
    pruned = [level.density for level in board.levels if level.density < 1]
    return min(safe, default=max(pruned, default=board.levels[0].density if board.levels else None))


def _dense(board: Board) -> Row | None:
    rows = [row for level in board.levels if level.density == 1 for row in level.rows]
    return next((row for row in rows if row.entry == names.DENSE), None)


def _scales(board: Board) -> dict[str, Scale]:
    """Return the axis of each column of estimates."""
    found: dict[str, list[Estimate]] = {}
    for level in board.levels:
        for row in level.rows:
            for name, figure in row.figures.items():
                if isinstance(figure, Estimate):
                    found.setdefault(name, []).append(figure)
    return {name: scale_of(estimates) for name, estimates in found.items()}


def _answers(board: Board) -> dict[tuple[str, float], Said]:
    order = [*SIGNS]
    return {
        (found.entry, step.density): Said(at_level(found, step), (what := kind(found, step)), place, order.index(what))
        for place, found in enumerate(board.verdicts, 1)
        for step in found.steps
    }
