"""What a plan is made of, for its cost: pieces that are computed once, whoever asks for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Cost(NamedTuple):
    """What kind of work a piece is: all of one kind take the same seconds a unit.

    ``what`` is the function that a ``compute`` computes, or the network of a ``train`` or ``pretrain``.
    """

    kind: str
    what: str = ""


@dataclass(frozen=True)
class Piece:
    """A stage: known by its ``id`` among all of a plan's, of so many ``units`` of a cost, and of so many steps."""

    id: str
    cost: Cost
    units: float = 1.0
    steps: int = 0


@dataclass(frozen=True)
class EntryWork:
    """What one entry asks for with one seed, level by level in the order in which it asks; of a level, what is new.

    ``unknown``: why it could not be counted; then it has no levels.
    """

    levels: Sequence[Sequence[Piece]] = ()
    unknown: str = ""

    @property
    def pieces(self) -> list[Piece]:
        """All pieces, in the order in which they are asked for."""
        return [piece for level in self.levels for piece in level]


CELL = Cost("cell")
"""What every cell costs beside its stages: inspection, scores on validation and test, thresholds."""

TWIN = Cost("cell", "int8")
"""The same of a twin, whose network is exported and quantised, too."""
