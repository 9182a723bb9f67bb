"""One measurement made on several kinds of machine: each beside its own dense networks, and never paired.

Trainings of two kinds of machine differ in bits, so that a seed is not one network on both. What an entry loses against
the dense networks of its own machine is one sample of networks on each; the two are compared without pairs, their
variances added (Welch 1947). Both are scored on the same images, whose noise they share in part: it is counted twice,
so that the interval is too wide rather than too narrow.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.evaluation.contrasts import Contrast
from harness.evaluation.safety import FEWEST_NETWORKS
from harness.reports.analysis.differences import auc_contrast
from harness.reports.analysis.outcomes import Outcome
from harness.results.names import DENSE, REFERENCES

Subjects = Mapping[str, Mapping[str, Any]]
"""Facts of all boards of a page, by their group or family."""


@dataclass(frozen=True, kw_only=True)
class AcrossMachines:
    """An entry at one level: mean test AUC less that of the own dense networks, ``here``, ``there``, and here - there.

    ``low`` and ``high`` are the 95 % interval of the last.
    """

    density: float
    entry: str
    here: float
    there: float
    difference: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class OtherMachine:
    """The same measurement on another ``environment``: its ``group``, and the entries that both boards have."""

    group: str
    environment: str
    entries: tuple[AcrossMachines, ...]


def other_machines(group: str, subjects: Subjects, cells: Mapping[str, Sequence[Outcome]]) -> tuple[OtherMachine, ...]:
    """Return the same measurement as ``group`` on other kinds of machine; ``cells`` are those of each board."""
    kin, own = subjects[group].get("kin"), subjects[group].get("environment")
    return tuple(
        OtherMachine(
            group=other,
            environment=str(facts.get("environment", "")),
            entries=tuple(_compared(cells[group], cells[other])),
        )
        for other, facts in subjects.items()
        if kin and facts.get("kin") == kin and facts.get("environment") != own
    )


def _compared(here: Sequence[Outcome], there: Sequence[Outcome]) -> list[AcrossMachines]:
    mine, theirs = _losses(here), _losses(there)
    return [
        _one(key, mine[key], theirs[key])
        for key in sorted(mine.keys() & theirs.keys(), key=lambda one: (-one[0], one[1]))
    ]


def _one(key: tuple[float, str], here: Contrast, there: Contrast) -> AcrossMachines:
    found = unpaired(here, there)
    low, high = found.interval()
    density, entry = key
    return AcrossMachines(
        density=density, entry=entry, here=here.value, there=there.value, difference=found.value, low=low, high=high
    )


def unpaired(one: Contrast, other: Contrast) -> Contrast:
    """Return the difference of two contrasts of different networks, with Welch's degrees of freedom."""
    variance = one.variance + other.variance
    parts = sum(part.variance**2 / part.freedom for part in (one, other) if part.freedom)
    freedom = variance**2 / parts if parts else math.inf
    return Contrast(one.value - other.value, variance, freedom, one.given_networks + other.given_networks)


def _losses(cells: Sequence[Outcome]) -> dict[tuple[float, str], Contrast]:
    """Return each entry below density 1 less the dense reference, by level, over the networks that have both."""
    dense = {one.network: one for one in cells if one.entry == DENSE and one.done}
    found: dict[tuple[float, str], list[Outcome]] = {}
    for one in cells:
        if one.done and one.network in dense and one.density < 1 and one.entry not in REFERENCES:
            found.setdefault((one.density, one.entry), []).append(one)
    return {
        key: auc_contrast([own, [dense[one.network] for one in own]], (1, -1))
        for key, own in found.items()
        if len(own) >= FEWEST_NETWORKS and _balanced(own)
    }


def _balanced(own: Sequence[Outcome]) -> bool:
    """Return whether every fold has as many networks as the others."""
    folds = [one.fold for one in own]
    return len({folds.count(fold) for fold in folds}) == 1
