"""Default against tuned on the test split: what tuning changed on images and seeds that it never saw."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.reports.analysis.design import Design
from harness.reports.analysis.differences import auc_contrast, mean_auc_of
from harness.reports.analysis.estimates import Rate, rate
from harness.reports.analysis.level_table import content
from harness.reports.analysis.outcomes import Outcome
from harness.results.names import ALARMS_DEPLOYED, MISSED_DEPLOYED
from harness.results.study_record import StudyRecord


@dataclass(frozen=True)
class Measured:
    """Mean AUCs over the same networks, their difference (tuned - default) with its 95 % interval, and the errors.

    ``same`` says that both are one network; ``missed`` positives and false ``alarms``, at the deployed cut, are
    (default, tuned). ``anecdote``: there are too few networks for a verdict.
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
    anecdote: bool

    @property
    def verdict(self) -> str:
        """Return which has the higher AUC, as far as it can be told."""
        if self.same:
            return "same network"
        if self.anecdote:
            return "one run is an anecdote"
        if self.low <= 0 <= self.high:
            return "not distinguished"
        return "tuned is better" if self.difference > 0 else "default is better"


@dataclass(frozen=True)
class ComparedLevel:
    """One level; without ``measured`` the ``problem`` says why."""

    density: float
    measured: Measured | None
    problem: str = ""


def compare(study: StudyRecord, cells: Sequence[Outcome], design: Design) -> tuple[str, tuple[ComparedLevel, ...]]:
    """Return why nothing can be compared, or an empty text, and the levels, densest first."""
    default = [cell for cell in cells if cell.entry == study.entry]
    tuned = [cell for cell in cells if cell.entry == study.choice]
    note = _nothing(study, default, tuned)
    if note:
        return note, ()
    levels = sorted({cell.density for cell in (*default, *tuned)}, reverse=True)
    return "", tuple(_level(level, design, default, tuned) for level in levels)


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


def _level(density: float, design: Design, default: Sequence[Outcome], tuned: Sequence[Outcome]) -> ComparedLevel:
    first, second = (_at(own, density) for own in (default, tuned))
    # A missing seed is not averaged away.
    problems = [
        f"{name} {problem}" for name, own in (("default", first), ("tuned", second)) for problem in design.absent(own)
    ]
    if problems:
        return ComparedLevel(density, None, "; ".join(problems))
    return ComparedLevel(density, _measured(first, second, design))


def _at(cells: Sequence[Outcome], density: float) -> list[Outcome]:
    return sorted((cell for cell in cells if cell.density == density), key=lambda cell: cell.network)


def _measured(default: Sequence[Outcome], tuned: Sequence[Outcome], design: Design) -> Measured:
    found = auc_contrast((tuned, default), (1, -1))
    low, high = found.interval()
    return Measured(
        seeds=design.seeds,
        default=mean_auc_of(default),
        tuned=mean_auc_of(tuned),
        difference=found.value,
        low=low,
        high=high,
        same=content(default) == content(tuned),
        missed=(rate(default, MISSED_DEPLOYED), rate(tuned, MISSED_DEPLOYED)),
        alarms=(rate(default, ALARMS_DEPLOYED), rate(tuned, ALARMS_DEPLOYED)),
        anecdote=design.anecdote,
    )
