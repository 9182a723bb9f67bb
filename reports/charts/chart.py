"""One chart of a board, before anybody decides where it is shown and how large."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One view: ``name`` is that of its file and anchor, ``caption`` says in a sentence or two what is drawn.

    ``words`` are for who does not see it. ``specification`` is Vega-Lite of one view (layers, no concatenation) with
    ``"width": "container"``, no background and no title of its own, so that it fits any column and any theme.
    """

    name: str
    title: str
    caption: str
    words: str
    specification: dict[str, Any]
