"""Answers in words, the same on the page and in the terminal: no error rate without its k/n, no answer without why."""

from harness.evaluation.contrasts import Contrast
from harness.evaluation.safety import FEWEST_NETWORKS, Answer, Judgement, Needed
from harness.evaluation.terms import Terms
from harness.reports.analysis.estimates import Rate
from harness.reports.analysis.verdicts import Step, Verdict
from harness.reports.formatting import count, percent, points

NO_VERDICT = "no verdict"
BRIEF = {
    Answer.ANECDOTE: "anecdote",
    Answer.LOSES: "loses positives",
    Answer.TOO_WEAK: "dense too weak",
    Answer.NOT_SHOWN_STRONG: "dense not strong",
    Answer.SAFE: "safe",
    Answer.UNDECIDED: "undecided",
}
"""Each answer in at most three words."""


def of(rate: Rate) -> str:
    """Return "k/n"."""
    return f"{count(rate.k)}/{count(rate.n)}"


def verdict(found: Verdict) -> str:
    """Return the answer on an entry in at most three words: how far down it is safe, or what ended the walk."""
    if found.density is not None:
        return f"safe to {percent(found.density)}"
    return brief(found.stop) if found.stop else "not pruned"


def brief(step: Step) -> str:
    """Return the answer on an entry at a level in at most three words."""
    return BRIEF[step.answer] if step.answer else NO_VERDICT


def why(step: Step, terms: Terms) -> str:
    """Return the reason of the answer on an entry at a level, with its figures."""
    if step.problem or step.judgement is None:
        return step.problem
    reason = _reason(step.judgement, terms)
    return f"{reason}; {_deployed(step)}" if step.deployed else reason


def _reason(found: Judgement, terms: Terms) -> str:
    lost, lift = found.loss, found.lift
    match found.answer:
        case Answer.ANECDOTE:
            return f"fewer than {FEWEST_NETWORKS} networks: what training alone does is unknown"
        case Answer.LOSES:
            return f"loses {points(lost.value)} of the positives, {_at_least(lost)}"
        case Answer.TOO_WEAK | Answer.NOT_SHOWN_STRONG:
            return (
                f"the dense network finds {points(lift.value)} more than guessing, {_at_least(lift)}: {_asked(terms)}"
            )
        case Answer.SAFE:
            shown = ", and a loss is shown" if lost.lower() > 0 else ""
            return f"loses {points(lost.value)}, at most {points(lost.upper())}{shown}"
        case Answer.UNDECIDED:
            return f"loses {points(lost.value)}, at most {points(lost.upper())}: {needed(found.needed)}"


def _at_least(bound: Contrast) -> str:
    return f"at least {points(bound.lower())}"


def _asked(terms: Terms) -> str:
    return f"{points(2 * terms.delta)} must be shown where {points(terms.delta)} may be lost"


def needed(found: Needed | None) -> str:
    """Return what would decide."""
    if found is None or found == Needed(None, None):
        return "no number of positives decides with so few networks"
    ways = [
        f"about {found.positives:,} positives" if found.positives else "",
        f"{found.networks:,} networks" if found.networks else "",
    ]
    return " or ".join(way for way in ways if way) + " would decide"


def _deployed(step: Step) -> str:
    assert step.deployed is not None
    missed, alarms = (f"{points(one.value)} (at most {points(one.upper())})" for one in _rises(step))
    held = "within the margin" if step.deployed.within else "not shown to be within the margin"
    return f"deployed: misses rise by {missed}, false alarms by {alarms}: {held}"


def _rises(step: Step) -> tuple[Contrast, Contrast]:
    assert step.deployed is not None
    return step.deployed.missed, step.deployed.alarms


def asked(terms: Terms) -> str:
    """Return by what the answers were judged."""
    return (
        f"Judged where each network calls {percent(terms.fpr)} of the negatives; a loss of {points(terms.delta)} of"
        f" the positives is too large. Deployed: cut at {percent(terms.sensitivity)} of the validation positives. One"
        f" missed positive costs {terms.cost_ratio:g} false alarms."
    )
