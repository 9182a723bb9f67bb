"""Cells that gave no network, or one that is no use, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.reports.analysis.cells import Cell
from harness.reports.words.verdicts import visible

__all__ = ["Trouble", "absent", "troubles"]

SAME_SCORE = "nearly the same score for every image"
NO_PATH = "no path leads from the input to the output"


@dataclass(frozen=True)
class Trouble:
    """What became of the cells of one entry for one cause: ``what`` in a word or two, ``why`` in a sentence."""

    entry: str
    what: str
    why: str
    seeds: tuple[int, ...]
    levels: tuple[float, ...]


def troubles(cells: Sequence[Cell]) -> tuple[Trouble, ...]:
    """Return the cells that are not done, collapsed, disconnected or lost a layer, those of one cause together."""
    causes: dict[tuple[str, str, str], list[Cell]] = {}
    for cell in cells:
        if what := _what(cell):
            causes.setdefault((cell.entry, what, _why(cell)), []).append(cell)
    return tuple(
        Trouble(
            entry,
            what,
            why,
            seeds=tuple(sorted({cell.seed for cell in own})),
            levels=tuple(sorted({cell.density for cell in own}, reverse=True)),
        )
        for (entry, what, why), own in causes.items()
    )


def _what(cell: Cell) -> str:
    if not cell.done:
        return cell.status
    found = {
        "disconnected": cell.disconnected,
        "empty layer": cell.emptied and not cell.disconnected,
        "collapsed": cell.collapsed,
    }
    return ", ".join(word for word, holds in found.items() if holds)


def _why(cell: Cell) -> str:
    if cell.reason:
        return cell.reason
    if not cell.done:
        return "no reason was given"
    return NO_PATH if cell.disconnected else SAME_SCORE if cell.collapsed else "a layer has no weight left"


def absent(cells: Sequence[Cell], seeds: Sequence[int]) -> list[str]:
    """Say which of the ``seeds`` are missing or collapsed in one entry at one level, one text per cause."""
    causes: dict[str, list[int]] = {}
    for seed in seeds:
        cell = next((cell for cell in cells if cell.seed == seed), None)
        cause = "not run" if cell is None else "collapsed" if cell.done and cell.collapsed else cell.status
        if cause != "done":
            causes.setdefault(cause, []).append(seed)
    return [
        f"{visible(cause)} in seed{'s' if len(own) > 1 else ''} {', '.join(map(str, own))}"
        for cause, own in causes.items()
    ]
