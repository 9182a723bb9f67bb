"""One table as plain columns and rows, whatever it is then written as."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harness.reports.formatting import UNKNOWN, decimal


class Figure(NamedTuple):
    """A number with the ends of its 95 % interval, NaN where it has none."""

    value: float
    low: float = math.nan
    high: float = math.nan


Cell = str | int | Figure


@dataclass(frozen=True)
class Head:
    """A column: its ``title``, and how its figures are ``text``; ``interval``: whether they have one."""

    title: str
    text: Callable[[float], str] = decimal
    interval: bool = False


@dataclass(frozen=True)
class Table:
    """One table: ``name`` is that of its file and label, ``caption`` says what it shows."""

    name: str
    caption: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]


def text_of(cell: Cell, head: Head) -> str:
    """Return a cell as a reader sees it: 0.843 (0.790 to 0.881)."""
    if not isinstance(cell, Figure):
        return str(cell)
    if math.isnan(cell.value):
        return UNKNOWN
    value = head.text(cell.value)
    if not head.interval or not all(map(math.isfinite, (cell.low, cell.high))):
        return value
    return f"{value} ({head.text(cell.low)} to {head.text(cell.high)})"


def flat(table: Table) -> tuple[list[str], list[list[str | float]]]:
    """Return titles and rows for a machine: a figure with an interval is three columns, to full precision."""
    titles: list[str] = []
    for head in table.heads:
        titles += [head.title, *([f"{head.title}, low", f"{head.title}, high"] if head.interval else [])]
    return titles, [_flat_row(table.heads, row) for row in table.rows]


def _flat_row(heads: Sequence[Head], row: Sequence[Cell]) -> list[str | float]:
    found: list[str | float] = []
    for head, cell in zip(heads, row, strict=True):
        if isinstance(cell, Figure):
            found += [*cell] if head.interval else [cell.value]
        else:
            found.append(cell)
    return found
