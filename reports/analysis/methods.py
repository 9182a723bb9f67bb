"""The methods of one group: what is told of each, and the entries that it has there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.reports.analysis.outcomes import Outcome
from harness.results import names
from harness.results.method_facts import MethodFacts


@dataclass(frozen=True)
class MethodOnBoard:
    """A method by its ``name``, its ``facts``, whether it is a ``control``, and its ``entries``, sorted."""

    name: str
    facts: MethodFacts
    control: bool
    entries: tuple[str, ...]


def methods_of(cells: Sequence[Outcome], facts: Mapping[str, Any]) -> tuple[MethodOnBoard, ...]:
    """Return the methods that ran, the references left out; those of one family together, the controls last."""
    told: Mapping[str, Mapping[str, str]] = facts.get("methods") or {}
    own: dict[str, list[Outcome]] = {}
    for cell in cells:
        if cell.entry not in names.REFERENCES:
            own.setdefault(cell.method, []).append(cell)
    found = [
        MethodOnBoard(
            name,
            MethodFacts.from_values({**told.get(name, {}), "family": each[0].family}),
            each[0].control,
            tuple(sorted({cell.entry for cell in each})),
        )
        for name, each in own.items()
    ]
    return tuple(sorted(found, key=lambda one: (one.control, one.facts.family, one.name)))
