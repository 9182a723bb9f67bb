"""Errors within the publisher's groups of images, a clinic or a camera say: where a mean may hide who is missed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.evaluation.proportions import clopper_pearson
from harness.reports.analysis.design import Design, by_part, entries_of
from harness.reports.analysis.estimates import Rate
from harness.reports.analysis.outcomes import Outcome
from harness.results.names import PROBE

FEWEST_POSITIVES = 30


@dataclass(frozen=True)
class GroupRate:
    """One entry at one level on the images of one group, at the deployed cut; all its networks are there."""

    image_group: str
    entry: str
    density: float
    missed: Rate
    alarms: Rate | None


def group_rates(cells: Sequence[Outcome], facts: Mapping[str, Any], design: Design) -> tuple[GroupRate, ...]:
    """Return the rates of every whole entry and level in each group that has 30 tested positives or more.

    ``facts`` name the tested images of each group ("large_groups"); other groups are too small to say anything of.
    """
    members = {str(name): frozenset(ids) for name, ids in (facts.get("large_groups") or {}).items()}
    found = []
    for density in sorted({cell.density for cell in cells}, reverse=True) if members else []:
        for entry, own in entries_of(cell for cell in cells if cell.density == density).items():
            if entry != PROBE and not design.absent(own) and all(cell.cut == cell.cut for cell in own):
                found += [rate for name, ids in members.items() if (rate := _rate(name, ids, own))]
    return tuple(found)


def _rate(name: str, ids: frozenset[str], own: Sequence[Outcome]) -> GroupRate | None:
    missed, alarms = (_errors(ids, own, label) for label in (1, 0))
    if missed is None or missed.n < FEWEST_POSITIVES:
        return None
    return GroupRate(name, own[0].entry, own[0].density, missed, alarms)


def _errors(ids: frozenset[str], own: Sequence[Outcome], label: int) -> Rate | None:
    k = n = 0.0
    for part in by_part(own):
        inside = np.array([identity in ids for identity in part[0].images]) & (part[0].labels == label)
        wrong = [one.scores[inside] <= one.cut for one in part if one.scores is not None]
        errors = [np.count_nonzero(each if label else ~each) for each in wrong]
        k, n = k + float(np.mean(errors)), n + np.count_nonzero(inside)
    return Rate(k, n, *clopper_pearson(k, n)) if n else None
