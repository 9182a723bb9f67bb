"""Cells that gave no network, or one that is no use, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.reports.analysis.outcomes import Outcome

SAME_SCORE = "its validation scores spread less than 1% of what the dense network's do (same seed, plain loss)"
NO_PATH = "no path leads from the input to the output"


@dataclass(frozen=True)
class Trouble:
    """What became of the cells of one entry for one cause: ``what`` in a word or two, ``why`` in a sentence."""

    entry: str
    what: str
    why: str
    seeds: tuple[int, ...]
    levels: tuple[float, ...]


def troubles(cells: Sequence[Outcome]) -> tuple[Trouble, ...]:
    """Return the cells that are not done, collapsed, disconnected or lost a layer, those of one cause together."""
    causes: dict[tuple[str, str, str], list[Outcome]] = {}
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


def _what(cell: Outcome) -> str:
    if not cell.done:
        return cell.status
    found = {
        "disconnected": cell.disconnected,
        "empty layer": cell.emptied and not cell.disconnected,
        "collapsed": cell.collapsed,
    }
    return ", ".join(word for word, holds in found.items() if holds)


def _why(cell: Outcome) -> str:
    if cell.reason:
        return cell.reason
    if not cell.done:
        return "no reason was given"
    return NO_PATH if cell.disconnected else SAME_SCORE if cell.collapsed else "a layer has no weight left"
