"""Whose results a board shows, where several people share it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.results.submission import Submission


@dataclass(frozen=True, kw_only=True)
class Share:
    """What one bundle has in a board: its author, code and date, its entries, and in words whether it was rerun."""

    author: str
    code: str
    date: str
    entries: tuple[str, ...]
    state: str


def shares(submissions: Sequence[Submission], groups: Collection[str]) -> tuple[Share, ...]:
    """Return the bundles that have results in any of the groups, by author and date."""
    found = [
        Share(
            author=one.author,
            code=one.code,
            date=one.date,
            entries=tuple(sorted({entry for group in groups for entry in one.entries.get(group, ())})),
            state=one.state,
        )
        for one in submissions
        if one.entries.keys() & {*groups}
    ]
    return tuple(sorted(found, key=lambda one: (one.author, one.date, one.code, one.entries)))


def other_machines(group: str, boards: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the boards that are the same measurement as ``group``, made on another kind of machine.

    ``boards`` are the facts of all, by their group or family. A bit of any training may differ between them, so that
    their dense networks are not one and nothing about them is paired.
    """
    kin, own = boards[group].get("kin"), boards[group].get("environment")
    return tuple(
        other for other, facts in boards.items() if kin and facts.get("kin") == kin and facts.get("environment") != own
    )
