"""The networks that may be chosen from: each entry at each level, with the one that would ship and its size."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from harness.evaluation.auc import aucs
from harness.evaluation.equal_alarms import sensitivity_at
from harness.evaluation.safety import Answer, Needed
from harness.reports.analysis.outcomes import Outcome
from harness.reports.analysis.verdicts import ALPHA, Step, Verdict
from harness.results import names


class Axis(StrEnum):
    """What a limit may be set to; less is better of each. Latency is in seconds."""

    BYTES = "bytes"
    MACS = "macs"
    PARAMETERS = "parameters"
    LATENCY = "latency"


ORDER = (Axis.BYTES, Axis.MACS, Axis.PARAMETERS)
"""By which the smallest is found; the next decides among equals, and where one is not known of every network."""

Measured = Mapping[tuple[str, float], float]
"""Seconds of one image on the device that is asked for, by entry and density: of the slowest measured network there."""


@dataclass(frozen=True)
class Dense:
    """The dense network that would ship; see `Candidate`."""

    network: Outcome
    networks: int
    sizes: Mapping[Axis, float]
    validated: float | None


@dataclass(frozen=True)
class Candidate:
    """One entry at one level: the steps of its ``walk`` from dense down to it, and the network that would ship.

    ``network`` is one of ``networks``, with its ``sizes``, which lack what is not known; their latency is that of the
    slowest measured of the networks. ``validated`` is its sensitivity on validation at equal false alarms, by which it
    was taken, None where its validation scores are lost. ``safe``: it and every denser level of its entry are shown to
    lose less than is asked for; ``sure``: also when corrected for the number of entries.
    """

    entry: str
    control: bool
    walk: tuple[Step, ...]
    network: Outcome
    networks: int
    sizes: Mapping[Axis, float]
    safe: bool
    sure: bool
    validated: float | None

    @property
    def step(self) -> Step:
        """Return its own level's answer."""
        return self.walk[-1]

    @property
    def density(self) -> float:
        """Return its level."""
        return self.step.density

    @property
    def stop(self) -> Step | None:
        """Return the step that ends its walk, None where it is safe."""
        return next((step for step in self.walk if step.answer != Answer.SAFE), None)

    @property
    def loses(self) -> bool:
        """Say whether it is shown to lose positives, it or a denser level of its entry."""
        return self.stop is not None and self.stop.answer == Answer.LOSES

    @property
    def open(self) -> bool:
        """Say whether neither is shown: that it is safe, or that it loses positives."""
        return not self.safe and not self.loses

    @property
    def needed(self) -> Needed | None:
        """Return what would decide, None where that is not known or nothing is to be decided."""
        return self.stop.judgement.needed if self.stop and self.stop.judgement else None


def candidates(
    judged: Iterable[Verdict], cells: Sequence[Outcome], measured: Measured, level: float
) -> tuple[Candidate, ...]:
    """Return the networks of the entries that are ``judged``, those of one entry from dense downwards.

    ``level`` is the confidence that makes ``sure``, corrected for the number of entries that are looked at.
    """
    return tuple(candidate for one in judged for candidate in _of_entry(one, cells, measured, level))


def _of_entry(one: Verdict, cells: Sequence[Outcome], measured: Measured, level: float) -> Iterator[Candidate]:
    alone, sure = (one.reach(confidence) for confidence in (1 - ALPHA, level))
    for place, step in enumerate(one.steps):
        own = [cell for cell in cells if (cell.entry, cell.density) == (one.entry, step.density) and cell.done]
        if not own:
            continue
        network, validated = shipping(own)
        yield Candidate(
            entry=one.entry,
            control=one.control,
            walk=one.steps[: place + 1],
            network=network,
            networks=len(own),
            sizes=sizes(network, measured),
            safe=alone is not None and step.density >= alone,
            sure=sure is not None and step.density >= sure,
            validated=validated,
        )


def dense_network(cells: Sequence[Outcome], measured: Measured) -> Dense | None:
    """Return the dense network that would ship, None where there is none."""
    own = [cell for cell in cells if cell.entry == names.DENSE and cell.done]
    if not own:
        return None
    network, validated = shipping(own)
    return Dense(network, len(own), sizes(network, measured), validated)


def judged_by(cells: Sequence[Outcome], fpr: float, delta: float) -> list[Outcome]:
    """Return the cells as they are judged by other terms than their run's."""
    return [replace(cell, terms=replace(cell.terms, fpr=fpr, delta=delta)) for cell in cells]


def shipping(own: Sequence[Outcome]) -> tuple[Outcome, float | None]:
    """Return the network of an entry at a level that would ship, and its validation sensitivity at equal false alarms.

    The rule is fixed before any test image counts: the highest sensitivity on its own validation images, of equals the
    highest validation AUC, of those the first by fold and seed. What has lost its validation scores comes last.
    """

    def merit(one: Outcome) -> tuple[float, float, int, int]:
        return *_on_validation(one), -one.fold, -one.seed

    best = max(own, key=merit)
    return best, None if best.validation is None else _on_validation(best)[0]


def _on_validation(one: Outcome) -> tuple[float, float]:
    if one.validation is None:
        return -np.inf, -np.inf
    labels, scores = one.validation
    return sensitivity_at(labels, scores, one.terms.fpr), float(aucs(labels, scores[None, None]).values[0, 0])


def sizes(network: Outcome, measured: Measured) -> dict[Axis, float]:
    """Return what is known of a network's size and latency."""
    found = {
        Axis.BYTES: network.metric(names.BYTES),
        Axis.MACS: network.macs,
        Axis.PARAMETERS: network.metric(names.PARAMETERS),
        Axis.LATENCY: measured.get((network.entry, network.density), np.nan),
    }
    return {axis: value for axis, value in found.items() if value == value}
