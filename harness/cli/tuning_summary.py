"""Tuning in a terminal: what would be searched, and what was chosen."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from harness.planning.configuration import Configuration
from harness.planning.plan import Plan
from harness.results.plain_values import plain
from harness.results.study_record import BestTrial, Interval, StudyRecord
from harness.tuning.search import spaces
from harness.tuning.spaces import searched

WIDTH = 80


def tuning_lines(plan: Plan, options: Configuration) -> list[str]:
    """Return what tuning would search, for a person. Raises `UsageError` where it cannot."""
    found, notes = spaces(plan, options.tuning, options.loss_schedules)
    tuning = options.tuning
    lines = [
        f"Tuning      {tuning.trials} trials each of {len(found)} studies, objective {tuning.objective}",
        f"            seeds {', '.join(map(str, tuning.seeds))}, validation images only",
    ]
    for text, space in found.items():
        lines.append(f"            {text}")
        lines += [f"              {name}: {searched(one).words}" for name, one in space.items()]
    return lines + [line for note in notes for line in _wrapped(note, " " * 12)]


def tuning_values(plan: Plan, options: Configuration) -> dict[str, Any]:
    """Return the same as plain values."""
    found, notes = spaces(plan, options.tuning, options.loss_schedules)
    ranges = {text: {name: plain(searched(one)) for name, one in space.items()} for text, space in found.items()}
    return {"trials": options.tuning.trials, "objective": options.tuning.objective, "spaces": ranges, "notes": notes}


def chosen_lines(records: Sequence[StudyRecord]) -> list[str]:
    """Return what was chosen, a paragraph a study, at 80 columns."""
    return [line for record in records for line in _paragraph(record)]


def _paragraph(record: StudyRecord) -> Iterator[str]:
    budget, best, default = record.budget, record.best, record.default_trial
    stopped = f", {budget.pruned} of them stopped early" if budget.pruned else ""
    yield record.entry
    yield from _wrapped(
        f"{budget.finished} trials{stopped}; {budget.steps:,} steps, {budget.seconds / 60:.1f} min", "  "
    )
    if best is None:
        yield "  no trial gave a network: the default stays"
        return
    was = "-" if default is None or default.value is None else f"{default.value:.3f}"
    what = "validation AUC" if record.by_auc else "validation FNR at sens95"
    changes = ", ".join(f"{name} {old} -> {new}" for name, (old, new) in record.changes.items())
    yield from _wrapped(f"{what} {was} -> {best.value:.3f}: {changes or 'the default stays'}", "  ")


def warning_lines(records: Sequence[StudyRecord]) -> list[str]:
    """Return what a user must not overlook: best values on an edge, a bound that no trial kept."""
    return [line for record in records if record.best is not None for line in _warnings(record, record.best)]


def _warnings(record: StudyRecord, best: BestTrial) -> Iterator[str]:
    for name in record.edges:
        space = record.space[name]
        assert isinstance(space, Interval)
        where = f"is on the edge of {space.ends}: widen tuning.space"
        yield f"{record.entry}: the best {name}, {best.parameters[name]}, {where}"
    if not best.feasible:
        yield f"{record.entry}: no trial kept the mean FPR under {record.fpr_bound}; the nearest was taken"


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False)
