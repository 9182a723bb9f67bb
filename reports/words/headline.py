"""The answer in a sentence or two to "how small before it misses more positives?"."""

from harness.evaluation.proportions import paired_upper_bound
from harness.reports.analysis.leaderboard import Board
from harness.reports.analysis.safety import DELTA, Safety
from harness.reports.formatting import listed, percent


def answer(board: Board) -> list[str]:
    """Return the headline of one group, the first sentence being the answer."""
    if board.provenance.get("void"):
        return ["No answer: the dense network itself has not learnt the task."]
    if not board.safeties:
        return ["Nothing was pruned yet."]
    judged = [one for one in board.safeties if one.result is not None]
    if not judged:
        return ["No answer: no entry has a level that could be compared with the dense network."]
    if judged[0].result is not None and judged[0].result.verdict == "not decidable":
        return _not_decidable(judged[0].result.positives)
    safe = [one for one in judged if one.density is not None]
    if not safe:
        return ["No entry is shown to be safe at any level below dense.", *_unjudged(board)]
    return [_smallest(safe), _others(board, safe)]


def _not_decidable(positives: int) -> list[str]:
    needed = next(n for n in range(1, 10_000) if paired_upper_bound(0, 0, n) < DELTA)
    return [
        f"No answer: {positives} positives in the test split are too few.",
        "Even a network that misses the very same positives as the dense one could not be shown to stay within "
        f"{100 * DELTA:.0f} points of it; at least {needed} positives are needed.",
    ]


def _smallest(safe: list[Safety]) -> str:
    density = min(one.density for one in safe if one.density is not None)
    names = [f"“{one.entry}”" for one in safe if one.density == density]
    return f"The smallest network shown to be safe keeps {percent(density)} of the weights: {listed(names)}."


def _others(board: Board, safe: list[Safety]) -> str:
    rest = len(board.safeties) - len(safe)
    if not rest:
        return "Every entry has a safe level below dense."
    none = sum(one.result is not None for one in board.safeties) - len(safe)
    missing = rest - none
    parts = [f"{none} had none" if none else "", f"{missing} could not be judged" if missing else ""]
    return f"Of {len(board.safeties)} entries, {len(safe)} had a safe level, {listed([p for p in parts if p])}."


def _unjudged(board: Board) -> list[str]:
    missing = sum(one.result is None for one in board.safeties)
    return [f"{missing} of {len(board.safeties)} could not be judged."] if missing else []
