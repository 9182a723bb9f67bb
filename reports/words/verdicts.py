"""Answers in words, the same on the page and in the terminal: no error rate without its k/n, no answer without why."""

from harness.evaluation.contrasts import Contrast
from harness.evaluation.safety import FEWEST_NETWORKS, Answer, Deployed, Judgement, Needed
from harness.evaluation.terms import Terms
from harness.reports.analysis.estimates import Rate
from harness.reports.analysis.verdicts import Step, Verdict
from harness.reports.formatting import count, numbered, percent, points

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
    found = reason(step.judgement, terms)
    return f"{found}; {deployed(step.deployed)}" if step.deployed else found


def reason(found: Judgement, terms: Terms, reference: str = "the dense network") -> str:
    """Return why this is the answer, beside the ``reference``."""
    match found.answer:
        case Answer.ANECDOTE:
            return f"fewer than {FEWEST_NETWORKS} networks: what another training would give is not known"
        case Answer.LOSES:
            return f"loses {points(found.loss.value)}, at least {points(found.loss.lower())}"
        case Answer.TOO_WEAK | Answer.NOT_SHOWN_STRONG:
            return lift(found.lift, terms, reference)
        case Answer.SAFE:
            return f"{lost(found.loss)}{', and a loss is shown' * (found.loss.lower() > 0)}"
        case Answer.UNDECIDED:
            return f"{lost(found.loss)}: {needed(found.needed)}"


def lost(loss: Contrast) -> str:
    """Return a loss with its upper bound; a network may also find more than the other."""
    value, upper = loss.value, loss.upper()
    if points(value) == points(0):
        return f"loses nothing, at most {points(upper)}"
    if value > 0:
        return f"loses {points(value)}, at most {points(upper)}"
    bound = f"at least {points(-upper)}" if upper < 0 else f"or loses at most {points(upper)}"
    return f"finds {points(-value)} more, {bound}"


def lift(found: Contrast, terms: Terms, reference: str = "the dense network") -> str:
    """Return what the ``reference`` finds beside guessing, and why that does not do."""
    more = f"{points(abs(found.value))} {'more' if found.value >= 0 else 'fewer'} than guessing"
    asked = f"{points(2 * terms.delta)} are needed where {points(terms.delta)} may be lost"
    if found.upper() < 2 * terms.delta:
        return f"{reference} finds {more}, at most {points(found.upper())} more: {asked}"
    shown = f"{points(found.lower())} are shown" if found.lower() > 0 else "none are shown"
    return f"{reference} finds {more}, of which {shown}: {asked}"


def needed(found: Needed | None) -> str:
    """Return what would decide."""
    if found is None or found == Needed(None, None):
        return "no number of positives decides with so few networks"
    ways = [
        f"about {numbered(found.positives, 'positive')}" if found.positives else "",
        numbered(found.networks, "network") if found.networks else "",
    ]
    return " or ".join(way for way in ways if way) + " would decide"


def deployed(found: Deployed) -> str:
    """Return how the errors rise at the cuts that were fixed before."""
    held = "within the margin" if found.within else "not shown to be within the margin"
    return f"deployed: {_risen('misses', found.missed)} and {_risen('false alarms', found.alarms)}: {held}"


def _risen(what: str, found: Contrast) -> str:
    value, upper = found.value, found.upper()
    if value >= 0:
        return f"{what} rise by {points(value)} (at most {points(upper)})"
    bound = f"at least {points(-upper)}" if upper < 0 else f"or rise by at most {points(upper)}"
    return f"{what} fall by {points(-value)} ({bound})"


def asked(terms: Terms) -> str:
    """Return by what the answers were judged."""
    return (
        f"Judged where every network calls {percent(terms.fpr)} of the negatives positive; a loss of"
        f" {points(terms.delta)} of the positives is too large. The deployed cut keeps {percent(terms.sensitivity)} of"
        f" the validation positives. One missed positive costs as much as"
        f" {terms.cost_ratio:g} false alarm{'s' * (terms.cost_ratio != 1)}."
    )
