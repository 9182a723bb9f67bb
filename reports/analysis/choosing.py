"""Which network to ship: the smallest that is shown to lose less than is asked for, within every limit; or why none."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from harness.reports.analysis.candidates import (
    ORDER,
    Axis,
    Candidate,
    Dense,
    Measured,
    candidates,
    dense_network,
    judged_by,
)
from harness.reports.analysis.design import Design
from harness.reports.analysis.margins import nearest_margin
from harness.reports.analysis.outcomes import Outcome
from harness.reports.analysis.verdicts import ALPHA, Verdict, verdicts

ROUNDING = 1e-9
"""A size that exceeds its limit by this share is the limit, which was written in another unit."""


@dataclass(frozen=True)
class Wanted:
    """What is asked for: the largest loss of sensitivity at ``fpr`` false alarms, in shares, and a limit by axis."""

    max_loss: float
    fpr: float
    limits: Mapping[Axis, float] = field(default_factory=dict)

    def fits(self, sizes: Mapping[Axis, float], without: Axis | None = None) -> bool | None:
        """Return whether sizes keep within every limit but the one left out; None where one is not known."""
        limits = {axis: limit for axis, limit in self.limits.items() if axis != without}
        if any(sizes[axis] > limit * (1 + ROUNDING) for axis, limit in limits.items() if axis in sizes):
            return False
        return None if limits.keys() - sizes.keys() else True


class Decision(StrEnum):
    """What came of it."""

    CHOSEN = "chosen"
    NONE = "none"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Choice:
    """The network to ship, or what there is instead.

    ``chosen`` is safe when corrected for the number of ``entries`` that were looked at. ``hopeful`` is the smallest
    that is safe when looked at alone, where it is smaller than the chosen one. ``candidates`` are those that could have
    been chosen: controls take part where they are asked for by name; ``fitting`` are those of them that keep within the
    limits as far as is known. ``controls`` are the verdicts on all controls, ``beside`` the networks of those that
    could not be chosen. ``dense`` is the dense network that would ship, ``dense_fits`` whether it keeps within them.
    ``unknown`` are limited axes that are not known of a candidate that could be chosen. ``relaxed`` has for each limit,
    were it lifted alone, the least network by its axis; ``margin`` is the loss closest to the one that is asked for
    with which one would be chosen, and which. ``nearest`` is what is undecided within the limits and needs least to be
    decided.
    """

    wanted: Wanted
    entries: int
    candidates: tuple[Candidate, ...]
    fitting: tuple[Candidate, ...]
    controls: tuple[Verdict, ...]
    beside: tuple[Candidate, ...]
    chosen: Candidate | None
    hopeful: Candidate | None
    dense: Dense | None
    dense_fits: bool | None
    unknown: tuple[Axis, ...]
    relaxed: Mapping[Axis, Candidate | None]
    margin: tuple[float, Candidate] | None
    nearest: Candidate | None

    @property
    def ships(self) -> Outcome | None:
        """Return the network that is chosen, be it the dense one."""
        if self.chosen is not None:
            return self.chosen.network
        return self.dense.network if self.dense and self.decision == Decision.CHOSEN else None

    @property
    def decision(self) -> Decision:
        """Say what came of it: chosen, no network can, or not decided.

        Where networks keep within the limits and all of them are shown to lose positives, the dense network is the
        choice, if it keeps within them itself. Where nothing was pruned nothing is shown.
        """
        if self.chosen is not None:
            return Decision.CHOSEN
        if self.hopeful is not None or any(one.open or one.safe for one in self.fitting):
            return Decision.UNDECIDED
        if not self.fitting:
            return Decision.NONE if self.candidates else Decision.UNDECIDED
        return {True: Decision.CHOSEN, None: Decision.UNDECIDED, False: Decision.NONE}[self.dense_fits]


def choose(
    cells: Sequence[Outcome],
    design: Design,
    wanted: Wanted,
    measured: Measured,
    entries: Collection[str] | None = None,
) -> Choice:
    """Return the choice among the entries of one board, or those of them named, judged by what is wanted."""
    judged = judged_by(cells, wanted.fpr, wanted.max_loss)
    every = verdicts(judged, design)
    looked_at = [one for one in every if entries is None or one.entry in entries]
    level = 1 - ALPHA / max(len(looked_at), 1)
    asked = candidates([one for one in looked_at if entries is not None or not one.control], judged, measured, level)
    who = {one.entry for one in asked}
    kept = [one for one in asked if wanted.fits(one.sizes)]
    fitting = tuple(one for one in asked if wanted.fits(one.sizes) is not False)
    chosen = smallest([one for one in kept if one.sure])
    hopeful = smallest([one for one in kept if one.safe])
    dense = dense_network(judged, measured)
    return Choice(
        wanted=wanted,
        entries=len(looked_at),
        candidates=asked,
        fitting=fitting,
        controls=tuple(one for one in every if one.control),
        beside=candidates([one for one in every if one.control and one.entry not in who], judged, measured, level),
        chosen=chosen,
        hopeful=None if hopeful is chosen else hopeful,
        dense=dense,
        dense_fits=wanted.fits(dense.sizes) if dense else False,
        unknown=tuple(axis for axis in wanted.limits if any(axis not in one.sizes for one in fitting if not one.loses)),
        relaxed={} if chosen else {axis: _relaxed(asked, wanted, axis) for axis in wanted.limits},
        margin=None if chosen else _margin(judged, design, kept, level),
        nearest=None if chosen else _nearest(fitting),
    )


def smallest(found: Sequence[Candidate]) -> Candidate | None:
    """Return the smallest of candidates by `ORDER`, of equals the one with the least loss; None of none."""
    axes = [axis for axis in ORDER if all(axis in one.sizes for one in found)]
    return min(found, key=lambda one: (*_size(one, axes), _loss(one), one.entry), default=None)


def _size(one: Candidate, axes: Sequence[Axis]) -> tuple[float, ...]:
    return tuple(one.sizes.get(axis, math.inf) for axis in axes)


def _loss(one: Candidate) -> float:
    return one.step.judgement.loss.value if one.step.judgement else math.inf


def _relaxed(asked: Sequence[Candidate], wanted: Wanted, axis: Axis) -> Candidate | None:
    """Return what could be chosen without the limit of one axis: the least by it, of those that are sure if any is."""
    found = [one for one in asked if one.safe and wanted.fits(one.sizes, without=axis)]
    best = [one for one in found if one.sure] or found
    return min(best, key=lambda one: (one.sizes.get(axis, math.inf), _size(one, ORDER), _loss(one)), default=None)


def _margin(
    cells: Sequence[Outcome], design: Design, kept: Sequence[Candidate], level: float
) -> tuple[float, Candidate] | None:
    near = cells[0].terms.delta if cells else 0.0
    margins = [(nearest_margin(cells, design, one, near, level), one) for one in kept]
    found = [(margin, one) for margin, one in margins if margin is not None]
    return min(found, key=lambda pair: (abs(pair[0] - near), pair[1].density), default=None)


def _nearest(fitting: Sequence[Candidate]) -> Candidate | None:
    """Return the undecided candidate that the fewest positives, or else networks, would decide."""

    def asks(one: Candidate) -> tuple[float, float]:
        assert one.needed is not None
        return one.needed.positives or math.inf, one.needed.networks or math.inf

    return min((one for one in fitting if one.open and one.needed), key=asks, default=None)
