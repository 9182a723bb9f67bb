"""What the leaderboard says of one entry at one level, as plain values: for the card of an exported network."""

from collections.abc import Sequence
from typing import Any

from harness.evaluation.safety import Answer
from harness.reports.analysis.estimates import Estimate, Rate, auc, rate, sensitivity
from harness.reports.analysis.leaderboard import Board, leaderboard
from harness.reports.analysis.outcomes import Outcome
from harness.reports.analysis.verdicts import Step, Verdict
from harness.reports.formatting import percent
from harness.reports.words.verdict_table import at_level
from harness.reports.words.verdicts import NO_VERDICT, asked, brief, why
from harness.results import names
from harness.results.reading import Results


def entry_facts(results: Results, group: str, entry: str, density: float) -> dict[str, Any] | None:
    """Return the answer on an entry at a level and its figures over all its networks, None where it is not there.

    ``group`` is that of the cell; where it is a fold, the facts are of all folds together. Raises `ValueError` where
    the results contradict themselves.
    """
    board = next((one for one in leaderboard(results) if any(cell.group == group for cell in one.cells)), None)
    own = [one for one in board.cells if one.entry == entry and one.density == density] if board else []
    if board is None or not own:
        return None
    done = [one for one in own if one.done]
    return {
        "networks": len(done),
        "networks_asked": len(board.design.networks),
        "positives": board.positives,
        **_answer(board, entry, density),
        "figures": _figures(done),
    }


def _answer(board: Board, entry: str, density: float) -> dict[str, Any]:
    """Return the answer in words, the reason with its figures, and by what it was judged; the references have none."""
    own = next((one for one in board.verdicts if one.entry == entry), None)
    step = next((one for one in own.steps if one.density == density), None) if own else None
    if own is None or step is None:
        reason = (
            "it is the reference that others are held against" if entry in names.REFERENCES else "it was not judged"
        )
        return {"answer": NO_VERDICT, "why": reason, "terms": asked(board.terms)}
    return {
        "answer": at_level(own, step),
        "why": _why(own, step),
        "control": own.control,
        "terms": asked(own.terms),
    }


def _why(own: Verdict, step: Step) -> str:
    """Return the reason of an answer, and what stopped the walk where it did not get down to this level."""
    stop = own.stop
    if step.answer != Answer.SAFE or own.passed(step) or stop is None:
        return why(step, own.terms)
    return (
        f"at {percent(stop.density)} the answer is {brief(stop)}, and below a stop nothing is called safe; by itself it"
        f" {why(step, own.terms)}"
    )


def _figures(done: Sequence[Outcome]) -> dict[str, Any]:
    return {
        "auc": _estimate(auc(done)),
        names.SENSITIVITY: _estimate(sensitivity(done)),
        "missed": _rate(rate(done, names.MISSED_DEPLOYED)),
        "alarms": _rate(rate(done, names.ALARMS_DEPLOYED)),
    }


def _estimate(found: Estimate | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"value": found.value, "these_networks": found.these, "method": found.method}


def _rate(found: Rate | None) -> dict[str, Any] | None:
    return None if found is None else {"k": found.k, "n": found.n, "interval": (found.low, found.high)}
