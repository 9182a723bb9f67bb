"""The answer in a few sentences to "how small before it misses more positives?", and what this run can tell at all."""

from collections import Counter
from collections.abc import Sequence

from harness.evaluation.safety import FEWEST_NETWORKS, Answer
from harness.reports.analysis.leaderboard import Board
from harness.reports.analysis.verdicts import ALPHA, Verdict
from harness.reports.formatting import UNKNOWN, decimal, listed, numbered, percent, points
from harness.reports.words.verdicts import BRIEF, NO_VERDICT, needed
from harness.results.names import DENSE

NAMED = 3
"""So many entries are named in a sentence, more are counted."""


def answer(board: Board) -> list[str]:
    """Return the headline of one board, the first sentence being the answer."""
    if not board.verdicts:
        return ["Nothing was pruned yet."]
    if board.design.anecdote:
        return [_anecdote(board)]
    lost = board.design.absent([cell for cell in board.cells if cell.entry == DENSE])
    if lost:
        return [f"No verdict: the dense network is {'; '.join(lost)}."]
    return [*_controls(board), *(_weak(board) or _safe(board) or _none(board))]


def _anecdote(board: Board) -> str:
    if len(board.design.networks) == 1:
        return f"No verdict: one run is an anecdote. At least {FEWEST_NETWORKS} networks are needed, seeds or folds."
    return f"No verdict: two runs are anecdotes. At least {FEWEST_NETWORKS} networks are needed, seeds or folds."


def _controls(board: Board) -> list[str]:
    passing = [one for one in board.verdicts if one.control and one.density is not None]
    if not passing:
        return []
    return [
        f"Pruning by chance passes, too: {_named(passing)} {_reach(passing)}. What a method adds is not shown there."
    ]


def _reach(found: Sequence[Verdict]) -> str:
    smallest = min(one.density for one in found if one.density is not None)
    return f"{'is' if len(found) == 1 else 'are'} safe down to {percent(smallest)}"


def _weak(board: Board) -> list[str]:
    """Say that the dense network is too weak, where this is the answer to every entry that loses nothing shown."""
    stops = [one.stop for one in board.verdicts]
    weak = [step for step in stops if step and step.answer in (Answer.TOO_WEAK, Answer.NOT_SHOWN_STRONG)]
    if not weak or any(one.density is not None for one in board.verdicts) or board.lift is None:
        return []
    lift, terms = board.lift, board.terms
    known = "is too weak" if any(step.answer == Answer.TOO_WEAK for step in weak) else "is not shown strong enough"
    return [
        f"This run cannot tell: the dense network {known} to lose {points(terms.delta)} of the positives.",
        f"At {percent(terms.fpr)} false alarms it finds {points(lift.value)} more than guessing, at least "
        f"{points(lift.lower())} with 95% confidence; {points(2 * terms.delta)} are asked for.",
        *_losers(board),
    ]


def _losers(board: Board) -> list[str]:
    losing = [one for one in board.verdicts if (step := one.stop) and step.answer == Answer.LOSES]
    return [f"Shown to lose positives at its first level: {_named(losing)}."] if losing else []


def _safe(board: Board) -> list[str]:
    """Return the smallest safe network; corrected for the number of entries, or else as candidates."""
    corrected = 1 - ALPHA / len(board.verdicts)
    sure = {one.entry: density for one in board.verdicts if (density := one.density_at(corrected)) is not None}
    alone = {one.entry: one.density for one in board.verdicts if one.density is not None}
    if not alone:
        return []
    sentences = [_down_to("Safe", sure)] if sure else ["No entry is safe once all are looked at together."]
    rest = {entry: density for entry, density in alone.items() if density < sure.get(entry, 1)}
    if rest:
        sentences.append(_down_to("Candidates, each judged by itself", rest))
    return [*sentences, *_others(board, len(alone))]


def _down_to(what: str, found: dict[str, float]) -> str:
    """Return who reaches how far, the smallest network first."""
    levels = sorted(set(found.values()))
    parts = [f"to {percent(level)}: {_quoted([entry for entry in found if found[entry] == level])}" for level in levels]
    return f"{what} down {'; '.join(parts)}."


def _others(board: Board, safe: int) -> list[str]:
    rest = len(board.verdicts) - safe
    return [f"{rest} of {numbered(len(board.verdicts), 'entry', 'entries')} have no safe level."] if rest else []


def _none(board: Board) -> list[str]:
    stops = [one.stop for one in board.verdicts]
    counts = Counter(BRIEF[step.answer] if step and step.answer else NO_VERDICT for step in stops)
    told = [f"{what} ({number})" for what, number in counts.most_common()]
    sentences = [f"No entry is shown to be safe below dense: {listed(told)}."]
    undecided = [step.judgement for step in stops if step and step.judgement and step.answer == Answer.UNDECIDED]
    ways = sorted((one.needed.positives for one in undecided if one.needed and one.needed.positives), reverse=False)
    if ways:
        sentences.append(f"To decide the nearest case, about {ways[0]:,} positives would do.")
    elif undecided:
        sentences.append(f"For the undecided, {needed(undecided[0].needed)}.")
    return sentences


def tells_apart(board: Board) -> str:
    """Return what this run can tell apart at all."""
    entries = {cell.entry for cell in board.cells if cell.density < 1}
    counted = f"{networks(board)}, {numbered(board.positives, 'tested positive')}"
    if board.resolution is None:
        return f"{counted}: what this run can tell apart is unknown, since no network was trained twice."
    gap = decimal(board.resolution)
    return f"{counted}: among {numbered(len(entries), 'entry', 'entries')} this run tells apart gaps of {gap} AUC."


def networks(board: Board) -> str:
    """Return how many networks an entry has at a level: 3 seeds, 5 folds of 3 seeds."""
    folds = f"{numbered(len(board.design.parts), 'fold')} of " if board.design.folded else ""
    return folds + numbered(len(board.design.seeds), "seed")


def _named(found: Sequence[Verdict]) -> str:
    return _quoted([one.entry for one in found])


def _quoted(entries: Sequence[str]) -> str:
    if not entries:
        return UNKNOWN
    shown = [f"“{entry}”" for entry in entries[:NAMED]]
    more = len(entries) - NAMED
    return listed([*shown, f"{more} more"] if more > 0 else shown)
