"""What the page's table of answers says of an entry, of each of its levels, and of the one that decided."""

import math

from harness.evaluation.contrasts import Contrast
from harness.evaluation.safety import Answer
from harness.reports.analysis.verdicts import ALPHA, Step, Verdict
from harness.reports.formatting import percent, points
from harness.reports.words.verdicts import BRIEF, brief

BELOW = "below a stop"
"""What is said in place of safe where a larger network was not."""

SIGNS = {
    "safe": "\N{CHECK MARK}",
    "loses": "\N{BALLOT X}",
    "undecided": "?",
    "weak": "!",
    "below": "\N{DOWNWARDS ARROW}",
    "none": "\N{EN DASH}",
}
"""What stands before an answer, so that a map of them reads without colours."""

_KINDS = {
    Answer.SAFE: "safe",
    Answer.LOSES: "loses",
    Answer.UNDECIDED: "undecided",
    Answer.TOO_WEAK: "weak",
    Answer.NOT_SHOWN_STRONG: "weak",
    Answer.ANECDOTE: "none",
}


def at_level(found: Verdict, step: Step) -> str:
    """Return the answer at a level in at most three words: never safe where the walk down did not get to."""
    return BELOW if step.answer == Answer.SAFE and not found.passed(step) else brief(step)


def kind(found: Verdict, step: Step) -> str:
    """Return which of `SIGNS` the answer at a level is."""
    if step.answer == Answer.SAFE and not found.passed(step):
        return "below"
    return _KINDS[step.answer] if step.answer else "none"


def kind_of_word(word: str) -> str:
    """Return which of `SIGNS` an answer of `brief` is."""
    return next((_KINDS[answer] for answer, brief_word in BRIEF.items() if brief_word == word), "none")


def lost(step: Step) -> str:
    """Return the positives lost at equal false alarms with the bound that decides, or why there is no answer."""
    if step.problem or step.judgement is None:
        return step.problem
    found, answer = step.judgement.loss, step.judgement.answer
    change = _change(found.value)
    if answer == Answer.ANECDOTE or not math.isfinite(found.upper()):
        return change
    if answer == Answer.LOSES:
        return f"{change}, at least {_bare(found.lower())}"
    if found.upper() < 0:
        return f"{change}, at least {_bare(-found.upper())}"
    return f"{change}, at most {_bare(found.upper())}{' lost' if change.endswith('found') else ''}"


def _change(loss: float) -> str:
    if points(loss) == points(0):
        return "none lost"
    return f"{points(abs(loss))} {'lost' if loss > 0 else 'more found'}"


def _bare(share: float) -> str:
    return points(share).partition(" ")[0]


def deciding(found: Verdict) -> Step | None:
    """Return the safe level of an entry, or else the one that ended its walk; None without any level."""
    safe = [step for step in found.steps if step.density == found.density]
    return safe[0] if safe else found.stop


def among(found: Verdict, entries: int) -> str:
    """Say what is left of a safe level once all entries are looked at together, an empty text where all is."""
    together = found.density_at(1 - ALPHA / entries)
    if together == found.density:
        return ""
    left = f"safe to {percent(together)}" if together is not None else "not shown"
    return f"by itself; among all {entries}: {left}"


def deployed(step: Step | None) -> str:
    """Return the rises of both error rates at the frozen cut, and whether they are within the margin."""
    if step is None or step.deployed is None:
        return ""
    rates = ((step.deployed.missed, "missed"), (step.deployed.alarms, "false alarms"))
    held = "within the margin" if step.deployed.within else "not shown within the margin"
    return f"{held}: {'; '.join(f'{name} {_rise(rise)}' for rise, name in rates)}"


def _rise(rise: Contrast) -> str:
    return f"{_signed(rise.value)}, at most {_signed(rise.upper())}"


def _signed(share: float) -> str:
    """Return a rise of a share in points with its sign, 0 without."""
    text = f"{100 * share:+.1f}".replace("-", "\N{MINUS SIGN}")
    return "0" if text[1:] == "0.0" else text
