"""One (entry, seed) of a plan as work: what of it is done, told from what its process says."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.forecast.work import CELL, Cost, EntryWork, Piece
from harness.running.job_watcher import StageEnd

IN_ORDER = ("train", "compute", "probe")
"""Stages that a job's process asks for in the order in which they were counted."""


@dataclass
class JobWork:
    """``prefix`` tells its pieces from those of another seed or plan, ``name`` its cells from another entry's.

    ``each`` is what a cell costs beside its pieces. ``results`` are the cells that it has given since it was last taken
    up, ``share`` in [0, 1] what is done of the training in hand; ``closed``: no more comes of it.
    """

    prefix: str
    name: str
    work: EntryWork
    cells: int
    each: Cost = CELL
    results: int = 0
    share: float = 0.0
    closed: bool = False
    _met: dict[str, Piece | None] = field(default_factory=dict)
    _place: int = 0
    _astray: bool = False

    def began(self) -> None:
        """Start over: a job that was put back asks for all of it again."""
        self._met, self._place, self._astray = {}, 0, False
        self.results, self.share = 0, 0.0

    def identity(self, piece: Piece) -> str:
        """Return what a piece is known by among those of all plans."""
        return piece.id if piece.cost.kind == "pretrain" else f"{self.prefix}/{piece.id}"

    def cell(self, level: int) -> str:
        """Return what a cell is known by."""
        return f"{self.prefix}/{self.name}/{level}"

    def needs(self, level: int) -> Sequence[Piece]:
        """Return what a level asks for that none before it did."""
        return self.work.levels[level] if level < len(self.work.levels) else ()

    def in_hand(self, kind: str, what: str) -> Piece | None:
        """Return the piece that a stage of this kind would be now; ``what`` tells pretrainings apart."""
        if kind == "pretrain":
            return next((one for one in self.work.pieces if (one.cost.kind, one.cost.what) == (kind, what)), None)
        pieces = [piece for piece in self.work.pieces if piece.cost.kind in IN_ORDER]
        found = None if self._astray or self._place >= len(pieces) else pieces[self._place]
        return found if found is not None and found.cost.kind == kind else None

    def met(self, end: StageEnd) -> Piece | None:
        """Return the piece that a stage is, None where it was asked for before or is none that was counted."""
        if end.key in self._met:
            return None
        piece = self._met[end.key] = self.in_hand(end.kind, end.what)
        if end.kind == "pretrain":
            return piece
        if piece is None or piece.steps != end.steps:
            self._astray = True  # it goes another way than on the stand-in: cells are counted from here, pieces no more
            return None
        self._place += 1
        self.share = 0.0
        return piece
