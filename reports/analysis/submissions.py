"""Whose results a board shows, where several people share it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

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
