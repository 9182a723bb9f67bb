"""Two groups that differ in their training schedule alone, entry by entry: equivalent, different, or not told apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import UsageError
from harness.evaluation.contrasts import Contrast
from harness.reports.analysis.boards import Subject, subjects
from harness.reports.analysis.design import Design, entries_of
from harness.reports.analysis.differences import auc_contrast, mean_auc_of
from harness.reports.analysis.outcomes import Outcome, read_outcomes
from harness.results.names import PROBE
from harness.results.reading import Results

MARGIN = 0.05
"""The difference of AUC below which two schedules count as equivalent, unless another is asked for."""

ALIKE = ("dataset", "test_part", "fingerprint", "network", "size", "weights", "folds", "imbalance", "environment")
"""Facts that must agree; schedules may differ."""


@dataclass(frozen=True)
class Across:
    """One entry at one level in both groups: mean AUCs, and the difference second - first.

    ``answer``: "equivalent" where the difference is shown to lie within the margin (two one-sided tests, each at 5 %;
    Schuirmann 1987), "higher" or "lower" where it is shown not to be 0, both in that order of the words, else "not told
    apart"; "no verdict" with a ``problem``, a network that is missing say.
    """

    entry: str
    density: float
    first: float | None
    second: float | None
    difference: Contrast | None
    answer: str
    problem: str = ""


@dataclass(frozen=True)
class GroupComparison:
    """Two groups, by what their schedules ``differ`` in (name -> both values), and each entry that both have."""

    groups: tuple[str, str]
    differ: Mapping[str, tuple[Any, Any]]
    design: Design
    margin: float
    rows: tuple[Across, ...]


def compare_groups(results: Results, first: str, second: str, margin: float = MARGIN) -> GroupComparison:
    """Return the comparison of two groups or families of folds, by their ids or the beginnings of these.

    Raises `UsageError` for ids that name no group, or one that two have, and for groups that differ in more than their
    schedule; `ValueError` as `read_outcomes` does.
    """
    known = subjects(results.groups)
    pair = tuple(_named(one, known) for one in (first, second))
    differ = _differences(pair[0], pair[1])
    cells = read_outcomes(results)
    own = [[cell for cell in cells if cell.group in subject.groups and cell.entry != PROBE] for subject in pair]
    design = pair[0].design([*own[0], *own[1]])
    levels = sorted({cell.density for cell in own[0]} & {cell.density for cell in own[1]}, reverse=True)
    rows = [row for level in levels for row in _level(level, own[0], own[1], design, margin)]
    return GroupComparison((pair[0].identity, pair[1].identity), differ, design, margin, tuple(rows))


def _named(text: str, known: Sequence[Subject]) -> Subject:
    found = [one for one in known if one.identity.startswith(text)] if text else []
    if len(found) != 1:
        what = "names no group" if not found else "is the beginning of more than one group"
        raise UsageError(
            f"--compare-groups: {text!r} {what} of these results",
            fix=f"the groups are {', '.join(one.identity for one in known)}; the end of each page tells which is which",
        )
    return found[0]


def _differences(first: Subject, second: Subject) -> dict[str, tuple[Any, Any]]:
    """Return what the schedules differ in. Raises `UsageError` where there is more, or nothing."""
    both = first.facts, second.facts
    other = [name for name in ALIKE if both[0].get(name) != both[1].get(name)]
    if other:
        told = "; ".join(f"{name}: {both[0].get(name)} and {both[1].get(name)}" for name in other)
        raise UsageError(
            f"--compare-groups: the groups {first.identity} and {second.identity} differ in more than their training "
            f"schedule ({told})",
            fix="name two groups that share data, network, size, start weights and machine class",
        )
    schedules = [dict(facts.get("schedule") or {}) for facts in both]
    fields = sorted(schedules[0].keys() | schedules[1].keys())
    differ = {
        name: (schedules[0].get(name), schedules[1].get(name))
        for name in fields
        if schedules[0].get(name) != schedules[1].get(name)
    }
    if not differ:
        raise UsageError(
            f"--compare-groups: the schedules of {first.identity} and {second.identity} are the same",
            fix="name two groups that were trained by different schedules",
        )
    return differ


def _level(
    density: float, first: Sequence[Outcome], second: Sequence[Outcome], design: Design, margin: float
) -> list[Across]:
    """Return the rows of a level; the variance over networks is pooled over all that are whole in both groups."""
    sides = [entries_of(cell for cell in own if cell.density == density) for own in (first, second)]
    shared = [entry for entry in sides[0] if entry in sides[1]]
    lost = {entry: _lost([side[entry] for side in sides], design) for entry in shared}
    whole = [entry for entry in shared if not lost[entry]]
    table = [side[entry] for side in sides for entry in whole]
    found = []
    for entry in shared:
        means = [mean_auc_of(done) if (done := [c for c in side[entry] if c.done]) else None for side in sides]
        difference = None
        if entry in whole:
            weights = [0.0] * len(table)
            weights[whole.index(entry)], weights[len(whole) + whole.index(entry)] = -1.0, 1.0
            difference = auc_contrast(table, weights)
        answer = _answer(difference, design, margin)
        found.append(Across(entry, density, means[0], means[1], difference, answer, lost[entry]))
    return found


def _lost(both: Sequence[Sequence[Outcome]], design: Design) -> str:
    if lost := [text for own in both for text in design.absent(own)]:
        return "; ".join(dict.fromkeys(lost))
    seen = [{one.network: one.images for one in own} for own in both]
    return "" if seen[0] == seen[1] else "other test images"


def _answer(difference: Contrast | None, design: Design, margin: float) -> str:
    if difference is None:
        return "no verdict"
    if design.anecdote:
        return "anecdote"
    low, high = difference.interval()
    words = ["higher" if low > 0 else "lower" if high < 0 else ""]
    words.append("equivalent" if difference.lower() > -margin and difference.upper() < margin else "")
    return ", ".join(word for word in words if word) or "not told apart"
