"""Default against tuned on the test split: what tuning changed on images and seeds that it never saw."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.evaluation.auc import mean_auc, paired_auc_difference
from harness.reports.analysis.estimates import Rate, rate
from harness.reports.analysis.outcomes import Outcome, absent
from harness.results.names import ALARMS, MISSED
from harness.results.study_record import StudyRecord


@dataclass(frozen=True)
class Measured:
    """Mean AUCs over the same seeds, their difference (tuned - default) with its 95 % interval, and the errors.

    ``same`` says that both are one network; ``missed`` positives and false ``alarms`` are (default, tuned).
    """

    seeds: tuple[int, ...]
    default: float
    tuned: float
    difference: float
    low: float
    high: float
    same: bool
    missed: tuple[Rate | None, Rate | None]
    alarms: tuple[Rate | None, Rate | None]

    @property
    def verdict(self) -> str:
        """Return which has the higher AUC, as far as it can be told."""
        if self.same:
            return "same network"
        if self.low <= 0 <= self.high:
            return "not distinguished"
        return "tuned is better" if self.difference > 0 else "default is better"


@dataclass(frozen=True)
class ComparedLevel:
    """One level; without ``measured`` the ``problem`` says why."""

    density: float
    measured: Measured | None
    problem: str = ""


def compare(study: StudyRecord, cells: Sequence[Outcome]) -> tuple[str, tuple[ComparedLevel, ...]]:
    """Return why nothing can be compared, or an empty text, and the levels, densest first."""
    default = [cell for cell in cells if cell.entry == study.entry]
    tuned = [cell for cell in cells if cell.entry == study.choice]
    note = _nothing(study, default, tuned)
    if note:
        return note, ()
    seeds = sorted({cell.seed for cell in (*default, *tuned)})
    levels = sorted({cell.density for cell in (*default, *tuned)}, reverse=True)
    return "", tuple(_level(level, seeds, default, tuned) for level in levels)


def _nothing(study: StudyRecord, default: Sequence[Outcome], tuned: Sequence[Outcome]) -> str:
    if study.dense:
        return (
            "tuned once, on the dense network, and frozen for every method. Results of another training schedule "
            "never share a table with these, so that there is no test comparison: validation values only"
        )
    if study.best is None:
        return "no trial gave a network: nothing to compare"
    if study.choice == study.entry:
        return "default kept: nothing to compare"
    absent = [name for name, own in ((study.entry, default), (study.choice, tuned)) if not own]
    return f"not run here: {' and '.join(f'“{name}”' for name in absent)}" if absent else ""


def _level(density: float, seeds: Sequence[int], default: Sequence[Outcome], tuned: Sequence[Outcome]) -> ComparedLevel:
    first, second = (_at(own, density) for own in (default, tuned))
    # A missing seed is not averaged away.
    problems = [
        f"{name} {problem}" for name, own in (("default", first), ("tuned", second)) for problem in absent(own, seeds)
    ]
    if problems:
        return ComparedLevel(density, None, "; ".join(problems))
    return ComparedLevel(density, _measured(first, second))


def _at(cells: Sequence[Outcome], density: float) -> list[Outcome]:
    return sorted((cell for cell in cells if cell.density == density), key=lambda cell: cell.seed)


def _measured(default: Sequence[Outcome], tuned: Sequence[Outcome]) -> Measured:
    labels = default[0].labels
    first, second = (np.stack([cell.scores for cell in own if cell.scores is not None]) for own in (default, tuned))
    assert labels is not None
    difference, low, high = paired_auc_difference(labels, first, second)
    return Measured(
        seeds=tuple(cell.seed for cell in default),
        default=mean_auc(labels, first)[0],
        tuned=mean_auc(labels, second)[0],
        difference=difference,
        low=low,
        high=high,
        same=first.tobytes() == second.tobytes(),
        missed=(rate(default, MISSED), rate(tuned, MISSED)),
        alarms=(rate(default, ALARMS), rate(tuned, ALARMS)),
    )
