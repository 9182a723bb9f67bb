"""How many weights each layer has left: where the pruning took them, and which layer it emptied."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.reports.analysis.outcomes import Outcome
from harness.results.names import DENSE


@dataclass(frozen=True)
class LayerCell:
    """One layer of one entry at one level: mean shares of its weights over ``seeds``; ``empty`` counts seeds."""

    left: float
    alive: float
    empty: int
    seeds: int


@dataclass(frozen=True)
class LayerRow:
    """One layer by its name; a cell for each level, None where nothing is known."""

    name: str
    cells: tuple[LayerCell | None, ...]


@dataclass(frozen=True)
class LayerTable:
    """The pruned ``levels``, densest first, and each entry's layers by name."""

    levels: tuple[float, ...]
    entries: tuple[tuple[str, tuple[LayerRow, ...]], ...]

    @property
    def size(self) -> int:
        """Return how many cells it has."""
        return sum(len(rows) for _, rows in self.entries) * len(self.levels)


def layers_of(cells: Sequence[Outcome]) -> LayerTable:
    """Return the layers of every entry below density 1 whose results have them, by entry.

    Shares are of the layer in the entry's own network at density 1 or, without one, in the dense reference, so that
    a network whose layers were made narrower has less than all of them left.
    """
    counted = [cell for cell in cells if cell.done and cell.layers]
    known = [cell for cell in counted if cell.density < 1]
    levels = tuple(sorted({cell.density for cell in known}, reverse=True))
    found = []
    for entry in sorted({cell.entry for cell in known}):
        whole = {**_whole(counted, DENSE), **_whole(counted, entry)}
        found.append((entry, _rows([cell for cell in known if cell.entry == entry], levels, whole)))
    return LayerTable(levels, tuple(found))


def _whole(cells: Sequence[Outcome], entry: str) -> dict[str, int]:
    """Return the size of each layer before pruning, by parameter name."""
    dense = (cell for cell in cells if cell.entry == entry and cell.density == 1)
    return {name: total for cell in dense for name, (_, _, total) in cell.layers.items()}


def _rows(cells: Sequence[Outcome], levels: Sequence[float], whole: Mapping[str, int]) -> tuple[LayerRow, ...]:
    rows = []
    for name in sorted({name for cell in cells for name in cell.layers}, key=_numbered):
        across = tuple(_cell(name, [cell for cell in cells if cell.density == level], whole) for level in levels)
        rows.append(LayerRow(name.removesuffix(".weight"), across))
    return tuple(rows)


def _numbered(name: str) -> list[tuple[int, str]]:
    """Return what sorts names with numbers as they count: block2 before block10, since records keep no order."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name.removesuffix(".weight"))
    ]


def _cell(name: str, cells: Sequence[Outcome], whole: Mapping[str, int]) -> LayerCell | None:
    """Return what the seeds' counts of one layer come to, None without any."""
    counts = [cell.layers[name] for cell in cells if name in cell.layers]
    if not counts:
        return None
    shares = np.array([(left, alive) for left, alive, _ in counts]) / [
        [max(1, whole.get(name, total))] for _, _, total in counts
    ]
    left, alive = shares.mean(axis=0).tolist()
    return LayerCell(left, alive, sum(left == 0 for left, _, _ in counts), len(counts))
