"""The answer in a few sentences to "how small before it misses more positives?", and what this run can tell at all."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from harness.evaluation.contrasts import Contrast
from harness.evaluation.safety import FEWEST_NETWORKS, Answer
from harness.evaluation.terms import Terms
from harness.reports.analysis.leaderboard import Board
from harness.reports.analysis.verdicts import ALPHA, Verdict
from harness.reports.formatting import decimal, listed, numbered, percent, points
from harness.reports.words.verdicts import lift, needed
from harness.results.names import DENSE, is_twin

NAMED = 3
"""So many entries are named in a sentence, more are counted."""

_WEAK = ("has too weak a dense network", "have too weak a dense network")
_END: Mapping[Answer | None, tuple[str, str]] = {
    Answer.LOSES: ("loses positives", "lose positives"),
    Answer.UNDECIDED: ("is undecided", "are undecided"),
    Answer.TOO_WEAK: _WEAK,
    Answer.NOT_SHOWN_STRONG: _WEAK,
    None: ("has no verdict", "have no verdict"),
}
"""What ended a walk, of one entry and of several; an entry that was not pruned has no verdict either."""


def answer(board: Board) -> list[str]:
    """Return the headline of one board, the first sentence being the answer."""
    if not any(step.density < 1 or is_twin(one.entry) for one in board.verdicts for step in one.steps):
        return ["Nothing was pruned yet."]
    if board.design.anecdote:
        return [_anecdote(board)]
    lost = board.design.absent([cell for cell in board.cells if cell.entry == DENSE])
    if lost:
        return [f"No verdict: the dense network is not whole ({'; '.join(lost)})."]
    return [*controls(board.verdicts), *(_weak(board) or _safe(board) or _none(board))]


def _anecdote(board: Board) -> str:
    told = "one run is an anecdote" if len(board.design.networks) == 1 else "two runs are anecdotes"
    return f"No verdict: {told}. At least {FEWEST_NETWORKS} networks are needed, seeds or folds."


def passing(verdicts: Sequence[Verdict]) -> dict[str, float]:
    """Return which controls are safe below dense, and down to where."""
    densities = {one.entry: one.density for one in verdicts if one.control and one.density is not None}
    return {entry: density for entry, density in densities.items() if density < 1}  # at 1 nothing was chosen


def controls(verdicts: Sequence[Verdict]) -> list[str]:
    """Say which controls are safe somewhere below dense, nothing where none is."""
    found = passing(verdicts)
    if not found:
        return []
    title = "A control passes" if len(found) == 1 else "Controls pass"
    return [f"{title}: {_reaching(found)}. So far down it is not shown that a method's choice of weights matters."]


def _reaching(found: Mapping[str, float]) -> str:
    """Return who reaches how far, the smallest networks first."""
    of = {level: [entry for entry in found if found[entry] == level] for level in sorted(set(found.values()))}
    return "; ".join(f"{_quoted(entries)} down to {percent(level)}" for level, entries in of.items())


def _weak(board: Board) -> list[str]:
    """Say that the dense network is too weak, where this is the answer to every entry that loses nothing shown."""
    stops = [one.stop for one in board.verdicts]
    weak = {step.answer for step in stops if step} & {Answer.TOO_WEAK, Answer.NOT_SHOWN_STRONG}
    if not weak or board.lift is None:
        return []
    known = "is too weak" if Answer.TOO_WEAK in weak else "is not shown to be strong enough"
    return [
        f"This run cannot tell: the dense network {known} for a loss of {points(board.terms.delta)} to show.",
        beyond_guessing(board.lift, board.terms),
        *_losers(board),
    ]


def beyond_guessing(found: Contrast, terms: Terms) -> str:
    """Return what the dense network finds beside guessing, in a sentence."""
    return f"Where {percent(terms.fpr)} of the negatives are called, {lift(found, terms)}."


def _losers(board: Board) -> list[str]:
    losing = [one.entry for one in board.verdicts if (step := one.stop) and step.answer == Answer.LOSES]
    whose = "its" if len(losing) == 1 else "their"
    return [f"Shown to lose positives at {whose} first level: {_quoted(losing)}."] if losing else []


def _safe(board: Board) -> list[str]:
    """Return the smallest safe networks; corrected for the number of entries, or else as candidates."""
    level = 1 - ALPHA / len(board.verdicts)
    asked = [one for one in board.verdicts if not one.control]
    sure = {one.entry: density for one in asked if (density := one.density_at(level)) is not None}
    alone = {one.entry: one.density for one in asked if one.density is not None}
    if not alone:
        return []
    entries = numbered(len(board.verdicts), "entry", "entries")
    sentences = [f"Safe: {_reaching(sure)}." if sure else f"None is shown to be safe when {entries} are looked at."]
    if rest := {entry: density for entry, density in alone.items() if density < sure.get(entry, math.inf)}:
        sentences.append(f"Candidates, each safe when looked at alone: {_reaching(rest)}.")
    others = [one for one in asked if one.entry not in alone]
    return [*sentences, *([f"Of the others, {_counted(others)}."] if others else [])]


def _none(board: Board) -> list[str]:
    asked = [one for one in board.verdicts if not one.control] or [one for one in board.verdicts if one.density is None]
    if not asked:
        return []
    sentences = [f"No entry is shown to be safe below dense: {_counted(asked)}."]
    undecided = [step.judgement for one in asked if (step := one.stop) and step.answer == Answer.UNDECIDED]
    needs = [judged.needed for judged in undecided if judged]
    ways = [found.positives for found in needs if found and found.positives]
    if ways:
        sentences.append(f"About {numbered(min(ways), 'positive')} would decide the nearest case.")
    elif needs:
        sentences.append(f"Of the undecided, {needed(needs[0])}.")
    return sentences


def _counted(found: Sequence[Verdict]) -> str:
    """Return what ended how many walks: 2 lose positives and 1 is undecided."""
    ends = Counter(_END[one.stop.answer if one.stop else None] for one in found)
    return listed([f"{number} {end[number > 1]}" for end, number in ends.most_common()])


def tells_apart(board: Board) -> str:
    """Return what this run can tell apart at all."""
    entries = {cell.entry for cell in board.cells if cell.density < 1 and not is_twin(cell.entry)}
    counted = f"{networks(board)}, {numbered(board.positives, 'tested positive')}"
    if board.resolution is not None:
        among = numbered(len(entries), "entry", "entries")
        return f"{counted}: among {among} this run tells gaps of {decimal(board.resolution)} AUC apart."
    once = len(board.design.networks) < 2
    why = "no network was trained twice" if once else "no level has two entries with all their networks"
    return f"{counted}: what this run can tell apart is not known, since {why}."


def networks(board: Board) -> str:
    """Return how many networks an entry has at a level: 3 seeds, 5 folds of 3 seeds."""
    folds = f"{numbered(len(board.design.parts), 'fold')} of " if board.design.folded else ""
    return folds + numbered(len(board.design.seeds), "seed")


def _quoted(entries: Sequence[str]) -> str:
    shown = [f"“{entry}”" for entry in entries[:NAMED]]
    more = len(entries) - NAMED
    return listed([*shown, f"{more} more"] if more > 0 else shown)
