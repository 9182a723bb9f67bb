"""The entries of one level that can be compared: all networks there, none collapsed, and none of them twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from harness.evaluation.auc import aucs
from harness.evaluation.contrasts import Measured
from harness.evaluation.equal_alarms import at_cuts, equal_alarms
from harness.evaluation.metrics import Labels
from harness.evaluation.variances import Floats
from harness.reports.analysis.design import Design, by_part
from harness.reports.analysis.outcomes import Outcome


class PartScores(NamedTuple):
    """What M entries with J networks each gave on one test part: labels (n,), scores (M, J, n), cuts (M, J)."""

    labels: Labels
    scores: Floats
    cuts: Floats

    @property
    def given(self) -> tuple[int, ...]:
        """Return the places of entries whose J networks are one: every score of every image is the same in all."""
        one = (self.scores == self.scores[:, :1]).all(axis=(1, 2)) & (self.scores.shape[1] > 1)
        return tuple(np.flatnonzero(one).tolist())


@dataclass(frozen=True)
class LevelTable:
    """The distinct ``entries`` of a level; ``twins`` are those whose networks are another's, by that other."""

    entries: tuple[str, ...]
    twins: Mapping[str, str]
    parts: tuple[PartScores, ...]
    fpr: float

    def place(self, entry: str) -> int | None:
        """Return which of the entries it is, its twin's place where it has one, None where it takes no part."""
        name = self.twins.get(entry, entry)
        return self.entries.index(name) if name in self.entries else None

    @property
    def networks(self) -> int:
        """Return how many networks an entry has, over all parts."""
        return sum(part.scores.shape[1] for part in self.parts)

    @cached_property
    def aucs(self) -> tuple[Measured, ...]:
        """Return the AUCs of the entries, a part each."""
        return tuple(_with_given(aucs(part.labels, part.scores), part) for part in self.parts)

    @cached_property
    def sensitivities(self) -> tuple[Measured, ...]:
        """Return the sensitivities at equal false alarms, a part each."""
        return tuple(_with_given(equal_alarms(part.labels, part.scores, self.fpr), part) for part in self.parts)

    @cached_property
    def deployed(self) -> tuple[tuple[Measured, ...], tuple[Measured, ...]] | None:
        """Return FNR and FPR at the cuts that validation fixed, a part each; None where a cut is not known."""
        if any(np.isnan(part.cuts).any() for part in self.parts):
            return None
        missed, alarms = zip(*(at_cuts(*part) for part in self.parts), strict=True)
        both = [tuple(map(_with_given, own, self.parts)) for own in (missed, alarms)]
        return both[0], both[1]


def _with_given(measured: Measured, part: PartScores) -> Measured:
    return replace(measured, given=part.given)


def level_table(entries: Mapping[str, Sequence[Outcome]], design: Design) -> LevelTable:
    """Return the table of the entries at one level, in the order given."""
    twins: dict[str, str] = {}
    first: dict[bytes, str] = {}
    whole: list[list[list[Outcome]]] = []
    for name, own in entries.items():
        if design.absent(own):
            continue
        owner = first.setdefault(content(own), name)
        if owner != name:
            twins[name] = owner
        else:
            whole.append(by_part(own))
    parts = tuple(_part(own) for own in zip(*whole, strict=True))
    fpr = next((own[0].terms.fpr for own in entries.values() if own), 0.0)
    return LevelTable(tuple(first.values()), twins, parts, fpr)


def content(outcomes: Sequence[Outcome]) -> bytes:
    """Return what tells networks apart: their scores."""
    return b"".join(one.scores.tobytes() for one in outcomes if one.scores is not None)


def _part(entries: Sequence[Sequence[Outcome]]) -> PartScores:
    """Return one test part from each entry's outcomes on it."""
    flat = [one for own in entries for one in own]
    assert all(a.images == b.images for a, b in pairwise(flat))
    scores = np.stack([np.stack([one.scores for one in own if one.scores is not None]) for own in entries])
    assert flat[0].labels is not None
    return PartScores(flat[0].labels, scores, np.array([[one.cut for one in own] for own in entries]))
