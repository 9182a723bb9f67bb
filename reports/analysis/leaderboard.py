"""The leaderboard: at each level, the entries in order of AUC, with intervals, and ties shown as ties."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.evaluation.comparisons import not_distinguished
from harness.evaluation.metrics import ImageScores, Labels
from harness.reports.analysis import columns
from harness.reports.analysis.budgets import BudgetGroup, budget_of, by_budget
from harness.reports.analysis.estimates import Estimate
from harness.reports.analysis.loss_pairs import LossPair, loss_pairs
from harness.reports.analysis.outcomes import Outcome, read_outcomes, scores_of
from harness.reports.analysis.probe import AgainstProbe, against_probe
from harness.reports.analysis.safety import Safety, safeties
from harness.reports.analysis.studies import studies_of
from harness.results.names import DENSE, PROBE
from harness.results.reading import Results
from harness.results.study_record import StudyRecord


@dataclass(frozen=True)
class Row:
    """One entry at one level; means over the seeds that are done, None or NaN where none is.

    ``rank`` is shared by entries that are not distinguished, and None where not every seed is done or one collapsed,
    in a void group, and for the probe. ``alike`` are entries that are this very network. ``budget`` is the largest
    number of optimiser steps that a seed took, None where not known. ``figures`` are by the names of `columns.COLUMNS`.
    """

    rank: int | None
    entry: str
    loss: str
    alike: tuple[str, ...]
    asked: int
    done: int
    collapsed: int
    disconnected: int
    problems: tuple[str, ...]
    budget: float | None
    figures: Mapping[str, columns.Figure]

    @property
    def auc(self) -> Estimate | None:
        """Return the mean AUC, by which rows of one budget are in order."""
        found = self.figures["auc"]
        return found if isinstance(found, Estimate) else None

    def note(self, column: columns.Column) -> str:
        """Return what stands below a figure, an empty text where it is not known."""
        value = column.note and self.figures[column.note.name]
        return column.note.text(value) if column.note and isinstance(value, float) and value == value else ""


@dataclass(frozen=True)
class Level:
    """One density that was asked for, its rows by ascending budget, and best first where that is the same."""

    density: float
    rows: tuple[Row, ...]

    @property
    def groups(self) -> tuple[BudgetGroup[Row], ...]:
        """Return the rows of one budget together: what may be compared without asking who trained for longer."""
        return by_budget(self.rows, lambda row: (row.budget,))


@dataclass(frozen=True)
class Board:
    """One group: what may be compared, with its provenance and the studies that tuned its entries.

    ``pairs`` are the methods that ran under the plain loss and under another. A void group, whose dense network has
    learnt nothing, has no ``safeties``: there is nothing to be as safe as. ``probe`` is what the dense network comes to
    beside the probe, None where no seed has both.
    """

    group: str
    provenance: Mapping[str, Any]
    seeds: tuple[int, ...]
    levels: tuple[Level, ...]
    safeties: tuple[Safety, ...]
    cells: tuple[Outcome, ...]
    studies: tuple[StudyRecord, ...] = ()
    pairs: tuple[LossPair, ...] = ()
    probe: AgainstProbe | None = None


def leaderboard(results: Results) -> list[Board]:
    """Return one board per group, never mixing two. Raises `ValueError` as `read_outcomes` does."""
    cells = read_outcomes(results)
    return [
        _board(
            group,
            provenance,
            [cell for cell in cells if cell.group == group],
            studies_of(results.studies, provenance),
        )
        for group, provenance in results.groups.items()
    ]


def _board(
    group: str, provenance: Mapping[str, Any], cells: Sequence[Outcome], studies: tuple[StudyRecord, ...]
) -> Board:
    seeds = tuple(sorted({cell.seed for cell in cells}))
    densities = sorted({cell.density for cell in cells}, reverse=True)
    void = bool(provenance.get("void"))
    levels = tuple(
        Level(density, _rows([cell for cell in cells if cell.density == density], seeds, ranked=not void))
        for density in densities
    )
    safe = () if void else safeties(cells)
    return Board(group, provenance, seeds, levels, safe, tuple(cells), studies, loss_pairs(cells), against_probe(cells))


def ranks(labels: Labels, entries: Mapping[str, ImageScores]) -> dict[str, int]:
    """Return each entry's rank; scores (S, N) by name, same seeds and images.

    Rank 1 goes to the best mean AUC and all that are not distinguished from it; the rest is ranked likewise
    below them. So an entry with a lower mean but a wide spread may stand above one with a higher mean.
    """
    found: dict[str, int] = {}
    rest = dict(entries)
    while rest:
        place = len(found) + 1
        for name in not_distinguished(labels, rest):
            found[name] = place
            del rest[name]
    return found


def _rows(cells: Sequence[Outcome], seeds: Sequence[int], *, ranked: bool) -> tuple[Row, ...]:
    entries: dict[str, list[Outcome]] = {}
    for cell in sorted(cells, key=lambda cell: (cell.entry != DENSE, cell.entry, cell.seed)):
        entries.setdefault(cell.entry, []).append(cell)
    alike = _merge_alike(entries)
    complete = {
        name: scores_of(own)
        for name, own in entries.items()
        if name != PROBE
        and [cell.seed for cell in own if cell.done] == list(seeds)
        and not any(cell.collapsed for cell in own)
    }
    labels = next((cell.labels for cell in cells if cell.done and cell.labels is not None), None)
    places = ranks(labels, complete) if ranked and labels is not None else {}
    rows = [_row(own, places.get(name), alike.get(name, ()), len(seeds)) for name, own in entries.items()]
    rows.sort(key=lambda row: (row.auc is None, -row.auc.value if row.auc else 0, row.entry))
    return tuple(row for group in by_budget(rows, lambda row: (row.budget,)) for row in group.members)


def _merge_alike(entries: dict[str, list[Outcome]]) -> dict[str, tuple[str, ...]]:
    """Drop from the dense level the entries whose networks are another's, and return them by that other.

    Every method that starts from the same dense network has the same one; repeating it would only crowd the
    table and the family of tests.
    """
    alike: dict[str, tuple[str, ...]] = {}
    first: dict[bytes, str] = {}
    for name, own in list(entries.items()):
        if own[0].density < 1 or name == PROBE or not all(cell.done for cell in own):
            continue
        content = b"".join(cell.scores.tobytes() for cell in own if cell.scores is not None)
        owner = first.setdefault(content, name)
        if owner != name:
            alike[owner] = (*alike.get(owner, ()), name)
            del entries[name]
    return alike


def _row(cells: Sequence[Outcome], rank: int | None, alike: tuple[str, ...], asked: int) -> Row:
    done = [cell for cell in cells if cell.done]
    missing = Counter(cell.status for cell in cells if not cell.done)
    return Row(
        rank=rank,
        entry=cells[0].entry,
        loss=cells[0].loss,
        alike=alike,
        asked=asked,
        done=len(done),
        collapsed=sum(cell.collapsed for cell in done),
        disconnected=sum(cell.disconnected for cell in done),
        problems=tuple(f"{status} {number}/{asked}" for status, number in sorted(missing.items())),
        budget=budget_of(done),
        figures={column.name: column.over(done) for column in columns.COLUMNS},
    )
