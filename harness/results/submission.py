"""Whose results are in a table that several people share."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Submission:
    """One bundle: its author, the address of the code or an empty text, the day of its newest result.

    ``state`` says in words whether anybody computed cells of it anew. ``entries`` are those that it has a part in, by
    group, without the references.
    """

    author: str
    code: str
    date: str
    state: str
    entries: Mapping[str, tuple[str, ...]]
