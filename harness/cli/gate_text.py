"""What a gate says, for a person, at 80 columns: the answer in one sentence, then what it rests on."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.evaluation.contrasts import Contrast
from harness.evaluation.safety import Answer
from harness.evaluation.terms import Terms
from harness.evaluation.two_networks import Found, TwoNetworks
from harness.gating.scored import SHOWN, Joined, Scored, limits_of
from harness.outgoing.visible import visible
from harness.reports.formatting import numbered, percent, points, share
from harness.reports.words.verdicts import deployed, lift, lost

SCOPE = "Said of these two networks on these images, and of no method."
_WORD = {Answer.SAFE: "PASS", Answer.LOSES: "FAIL"}
_STYLE = {Answer.SAFE: "bold green", Answer.LOSES: "bold red"}


def gate_text(
    found: TwoNetworks, both: Joined, sides: tuple[Scored, Scored], fpr: float, max_loss: float
) -> RenderableType:
    """Return what rich prints of a comparison; ``sides`` are candidate and baseline."""
    terms = Terms(fpr=fpr, delta=max_loss)
    style = _STYLE.get(found.answer, "bold yellow")
    lines = [*_lost(found, both), *_deployed(found), SCOPE]
    limits = [*(_shown(one, "bold yellow") for one in limits_of(*sides))]
    return Group(
        *limits,
        *([""] if limits else []),
        _shown(f"{_WORD.get(found.answer, 'UNDECIDED')}: {sentence(found, terms)}", style),
        "",
        _table(found, sides, terms),
        "",
        _shown(f"{_counted(both)}; a loss of {points(max_loss)} is too large.", "dim"),
        *(_shown(line) for line in lines),
    )


def sentence(found: TwoNetworks, terms: Terms) -> str:
    """Return the answer and its reason."""
    loss = found.judgement.loss
    match found.answer:
        case Answer.SAFE:
            shown = ", and a loss is shown" * (loss.lower() > 0)
            return f"the candidate {lost(loss)}{shown}; {points(terms.delta)} would be too large."
        case Answer.LOSES:
            return (
                f"the candidate loses {points(loss.value)} of the positives, at least {points(loss.lower())}, and it is"
                f" not shown to lose less than {points(terms.delta)}."
            )
        case Answer.TOO_WEAK | Answer.NOT_SHOWN_STRONG:
            return f"{lift(found.judgement.lift, terms, 'the baseline')}. A smaller --max-loss asks for less of it."
    if found.ranks_too_little:
        return (
            f"the candidate gives {percent(found.tied)} of the images one and the same score, and so may rank next to"
            " nothing; give scores of more digits, logits instead of rounded probabilities."
        )
    return f"the candidate {lost(loss)}: {_needed(found)}."


def _needed(found: TwoNetworks) -> str:
    needed = found.judgement.needed
    if needed is None or needed.positives is None:
        return "no number of positives would decide"
    return f"about {numbered(needed.positives, 'positive')}, with as many negatives each, would decide"


def _table(found: TwoNetworks, sides: tuple[Scored, Scored], terms: Terms) -> Table:
    table = Table(padding=(0, 2, 0, 0), box=None)
    table.add_column("")
    table.add_column("", overflow="fold", max_width=32)
    table.add_column(f"finds at {percent(terms.fpr)}\nfalse alarms", justify="right", no_wrap=True)
    table.add_column("95% interval", no_wrap=True)
    for word, side, one in zip(("baseline", "candidate"), sides[::-1], (found.baseline, found.candidate), strict=True):
        table.add_row(word, _shown(side.name), share(one.value), _interval(one))
    loss = found.judgement.loss
    table.add_row("loss", "", points(loss.value), _both(loss))
    return table


def _interval(found: Found) -> str:
    return f"{share(found.low)} to {share(found.high)}"


def _both(loss: Contrast) -> str:
    low, high = loss.interval()
    return f"{points(low).split()[0]} to {points(high)}"


def _counted(both: Joined) -> str:
    positives = int(both.labels.sum())
    return f"{numbered(positives, 'positive')} and {numbered(len(both.ids) - positives, 'negative')}"


def _lost(found: TwoNetworks, both: Joined) -> Iterator[str]:
    ids = [image for image, gone in zip(both.ids, found.lost, strict=True) if gone]
    if not ids:
        yield "Every positive that the baseline finds the candidate finds, too."
        return
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    yield f"The baseline finds and the candidate misses {numbered(len(ids), 'positive')}:"
    yield f"  {', '.join(ids[:SHOWN])}{more}"


def _deployed(found: TwoNetworks) -> Iterator[str]:
    if found.deployed is not None:
        text = deployed(found.deployed)
        yield f"{text[0].upper()}{text[1:]}."


def _shown(text: str, style: str = "") -> Text:
    return Text(visible(text), style=style)
