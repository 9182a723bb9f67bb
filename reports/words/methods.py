"""What is told of a method, in words."""

from dataclasses import dataclass

from harness.reports.analysis.methods import MethodOnBoard

NOT_TOLD = "Not told by the harness that ran it."
_NO_WORD = "Its author says nothing of it."
_LABELS = {"source": "Paper", "version": "Version", "author": "Author", "code": "Code"}


@dataclass(frozen=True)
class MethodCard:
    """A method for readers: ``facts`` are labels and texts of what is known, ``entries`` those that it has."""

    name: str
    family: str
    description: str
    facts: tuple[tuple[str, str], ...]
    entries: tuple[str, ...]


def method_card(found: MethodOnBoard) -> MethodCard:
    """Return what a page shows of a method; an entry of the method's very name is not repeated where it is alone."""
    told = found.facts
    return MethodCard(
        found.name,
        told.family,
        told.description or (_NO_WORD if told.told else NOT_TOLD),
        tuple((label, text) for name, label in _LABELS.items() if (text := getattr(told, name))),
        () if found.entries == (found.name,) else found.entries,
    )
