"""Tuning in a terminal: what would be searched, and what was chosen."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from harness.planning.configuration import Configuration
from harness.planning.plan import Plan
from harness.tuning.search import spaces
from harness.tuning.spaces import as_json, words

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
        lines += [f"              {name}: {words(one)}" for name, one in space.items()]
    return lines + [line for note in notes for line in _wrapped(note, " " * 12)]


def tuning_values(plan: Plan, options: Configuration) -> dict[str, Any]:
    """Return the same as plain values."""
    found, notes = spaces(plan, options.tuning, options.loss_schedules)
    searched = {text: {name: as_json(one) for name, one in space.items()} for text, space in found.items()}
    return {"trials": options.tuning.trials, "objective": options.tuning.objective, "spaces": searched, "notes": notes}


def chosen_lines(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what was chosen, a paragraph a study, at 80 columns."""
    return [line for record in records for line in _paragraph(record)]


def _paragraph(record: Mapping[str, Any]) -> Iterator[str]:
    budget, best = record["budget"], record["best"]
    stopped = f", {budget['pruned']} of them stopped early" if budget["pruned"] else ""
    yield record["entry"]
    yield from _wrapped(
        f"{budget['finished']} trials{stopped}; {budget['steps']:,} steps, {budget['seconds'] / 60:.1f} min", "  "
    )
    if best is None:
        yield "  no trial gave a network: the default stays"
        return
    default = next((trial for trial in record["trials"] if trial["number"] == record["default_number"]), None)
    was = "-" if default is None or default["value"] is None else f"{default['value']:.3f}"
    what = {"auc": "validation AUC", "fnr": "validation FNR at sens95"}[record["objective"]]
    yield from _wrapped(
        f"{what} {was} -> {best['value']:.3f}: {', '.join(_changes(record)) or 'the default stays'}", "  "
    )


def _changes(record: Mapping[str, Any]) -> Iterable[str]:
    for name, value in record["best"]["parameters"].items():
        if value != record["default"][name]:
            yield f"{name} {record['default'][name]} -> {value}"


def warning_lines(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what a user must not overlook: best values on an edge, a bound that no trial kept."""
    lines = []
    for record in records:
        for name in record["edges"]:
            value, space = record["best"]["parameters"][name], record["space"][name]
            ends = f"{space['low']:g} to {space['high']:g}"
            lines.append(f"{record['entry']}: the best {name}, {value}, is on the edge of {ends}: widen tuning.space")
        if record["best"] is not None and not record["best"]["feasible"]:
            lines.append(
                f"{record['entry']}: no trial kept the mean FPR under {record['fpr_bound']}; the nearest was taken"
            )
    return lines


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False)
