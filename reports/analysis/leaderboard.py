"""The leaderboard: at each level, the entries in order of AUC, with intervals, and ties shown as ties."""

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness.evaluation import comparisons
from harness.evaluation.comparisons import Order, compared, resolution
from harness.evaluation.contrasts import Contrast
from harness.evaluation.safety import lift_of
from harness.evaluation.terms import Terms
from harness.reports.analysis.boards import Subject, subjects
from harness.reports.analysis.budgets import BudgetGroup, budget_of, by_budget
from harness.reports.analysis.columns import Column, Figure
from harness.reports.analysis.design import Design, entries_of
from harness.reports.analysis.estimates import Estimate
from harness.reports.analysis.group_rates import GroupRate, group_rates
from harness.reports.analysis.level_table import LevelTable, content, level_table
from harness.reports.analysis.loss_pairs import LossPair, loss_pairs
from harness.reports.analysis.lost_by_image import LostLevel, lost_by_image
from harness.reports.analysis.machine_columns import columns_of
from harness.reports.analysis.methods import MethodOnBoard, methods_of
from harness.reports.analysis.other_machines import OtherMachine, other_machines
from harness.reports.analysis.outcomes import Outcome, read_outcomes, terms_of
from harness.reports.analysis.probe import AgainstProbe, against_probe
from harness.reports.analysis.studies import studies_of
from harness.reports.analysis.submissions import Share, shares
from harness.reports.analysis.verdicts import Verdict, verdicts
from harness.results.names import DENSE, PROBE, is_twin
from harness.results.reading import Results
from harness.results.study_record import StudyRecord


@dataclass(frozen=True)
class Row:
    """One entry at one level; means over the networks that are done, None or NaN where none is.

    ``rank`` is 1 + the number of entries shown to be better, ``letters`` name the ties that it belongs to; None and
    empty where not every network is done or one collapsed, below three networks, and for the probe and twins.
    ``alike`` are entries that are this very network. ``budget`` is the largest number of optimiser steps that a network
    took, None where not known. ``figures`` are by the names of the board's columns.
    """

    rank: int | None
    letters: str
    entry: str
    loss: str
    control: bool
    family: str
    alike: tuple[str, ...]
    asked: int
    done: int
    collapsed: int
    disconnected: int
    problems: tuple[str, ...]
    budget: float | None
    figures: Mapping[str, Figure]

    @property
    def auc(self) -> Estimate | None:
        """Return the mean AUC, by which rows of one budget are in order."""
        found = self.figures["auc"]
        return found if isinstance(found, Estimate) else None

    def note(self, column: Column) -> str:
        """Return what stands below a figure, an empty text where it is not known."""
        value = column.note and self.figures[column.note.name]
        return column.note.text(value) if column.note and isinstance(value, float) and value == value else ""


@dataclass(frozen=True)
class Level:
    """One density that was asked for, its rows by ascending budget, and best first where that is the same."""

    density: float
    rows: tuple[Row, ...]
    order: Order | None = None

    @property
    def groups(self) -> tuple[BudgetGroup[Row], ...]:
        """Return the rows of one budget together: what may be compared without asking who trained for longer."""
        return by_budget(self.rows, lambda row: (row.budget,))


@dataclass(frozen=True)
class Board:
    """One group, or the folds of one measurement: what may be compared, with its provenance and the studies behind it.

    ``pairs`` are the methods that ran under the plain loss and under another. ``probe`` is what the dense network comes
    to beside the probe, None where no network has both. ``resolution`` is the gap of AUC that this run tells apart with
    power .8 between two of its entries, None where it cannot know. ``group_rates`` are errors within the publisher's
    groups of images that are large enough. ``methods`` is what is told of each method that ran, ``submissions`` are
    whose bundles have a part in it, ``other_machines`` the boards of the same measurement on another kind of machine.
    ``lost`` are the positives that pruned networks miss, by level; empty where there are too few networks to say so.
    ``thumbnails`` are pictures of tested positives by id, JPEG in base64. ``columns`` are those of its rows.
    """

    group: str
    provenance: Mapping[str, Any]
    design: Design
    terms: Terms
    levels: tuple[Level, ...]
    verdicts: tuple[Verdict, ...]
    cells: tuple[Outcome, ...]
    studies: tuple[StudyRecord, ...] = ()
    pairs: tuple[LossPair, ...] = ()
    probe: AgainstProbe | None = None
    resolution: float | None = None
    group_rates: tuple[GroupRate, ...] = ()
    methods: tuple[MethodOnBoard, ...] = ()
    submissions: tuple[Share, ...] = ()
    other_machines: tuple[OtherMachine, ...] = ()
    lost: tuple[LostLevel, ...] = ()
    thumbnails: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[Column, ...] = ()

    @property
    def seeds(self) -> tuple[int, ...]:
        """Return the seeds that ran."""
        return self.design.seeds

    @property
    def positives(self) -> int:
        """Return how many positives are tested, over all folds; 0 where nothing is done."""
        parts = {cell.fold: int(cell.labels.sum()) for cell in self.cells if cell.labels is not None}
        return sum(parts.values())

    @property
    def lift(self) -> Contrast | None:
        """Return what the dense network finds at equal false alarms beyond guessing, None where it is not whole."""
        table = level_table({DENSE: [cell for cell in self.cells if cell.entry == DENSE]}, self.design)
        if not table.entries:
            return None
        return lift_of(table.sensitivities, 0, self.terms.fpr)


@functools.lru_cache(maxsize=1)
def leaderboard(results: Results) -> tuple[Board, ...]:
    """Return one board per group or family of folds, never mixing two. Raises `ValueError` as `read_outcomes` does.

    Page, values and terminal ask for the same one: it is made once.
    """
    cells = read_outcomes(results)
    found = subjects(results.groups)
    facts = {subject.identity: subject.facts for subject in found}
    own = {subject.identity: [cell for cell in cells if cell.group in subject.groups] for subject in found}
    boards = [
        _board(
            subject,
            own[subject.identity],
            studies_of(results.studies, subject.facts),
            _pictures_of(results, subject),
        )
        for subject in found
    ]
    return tuple(
        replace(
            board,
            submissions=shares(results.submissions, subject.groups),
            other_machines=other_machines(subject.identity, facts, own),
        )
        for board, subject in zip(boards, found, strict=True)
    )


def _pictures_of(results: Results, subject: Subject) -> dict[str, str]:
    """Return the pictures of a board's images by their ids, those of all of its folds."""
    parts = [str(results.groups[group].get("test_part")) for group in subject.groups]
    return {image: picture for part in parts for image, picture in results.thumbnails.get(part, {}).items()}


def _board(
    subject: Subject, cells: Sequence[Outcome], studies: tuple[StudyRecord, ...], pictures: Mapping[str, str]
) -> Board:
    design = subject.design(cells)
    densities = sorted({cell.density for cell in cells}, reverse=True)
    at = {density: entries_of(cell for cell in cells if cell.density == density) for density in densities}
    tables = {density: _ranked(own, design) for density, own in at.items()}
    family = {
        density: comparisons.Level(table.entries, table.aucs)
        for density, table in tables.items()
        if len(table.entries) > 1
    }
    orders = {} if design.anecdote else dict(zip(family, compared([*family.values()]), strict=True))
    shown = columns_of(cells)
    levels = tuple(
        _level(density, own, tables[density], orders.get(density), design, shown) for density, own in at.items()
    )
    return Board(
        subject.identity,
        subject.facts,
        design,
        terms_of(subject.facts),
        levels,
        verdicts(cells, design),
        tuple(cells),
        studies,
        pairs=loss_pairs(cells, design),
        probe=against_probe(cells),
        resolution=resolution([*family.values()]) if len(design.networks) > 1 else None,
        group_rates=group_rates(cells, subject.facts, design),
        methods=methods_of(cells, subject.facts),
        lost=lost_by_image(cells, design),
        thumbnails=pictures,
        columns=shown,
    )


def _ranked(entries: Mapping[str, Sequence[Outcome]], design: Design) -> LevelTable:
    """Return the table of the entries that are compared with each other: all but the probe, and twins.

    A twin and its entry vary together: a table of both would take what they share for agreement of methods.
    """
    return level_table({name: own for name, own in entries.items() if name != PROBE and not is_twin(name)}, design)


def _level(
    density: float,
    entries: Mapping[str, list[Outcome]],
    table: LevelTable,
    order: Order | None,
    design: Design,
    shown: Sequence[Column],
) -> Level:
    distinct = dict(entries)
    alike = _merge_alike(distinct) if density == 1 else {}
    rows = [_row(own, table, order, alike.get(name, ()), design, shown) for name, own in distinct.items()]
    rows.sort(key=lambda row: (row.auc is None, -row.auc.value if row.auc else 0, row.entry))
    in_groups = [row for group in by_budget(rows, lambda row: (row.budget,)) for row in group.members]
    return Level(density, tuple(in_groups), order)


def _merge_alike(entries: dict[str, list[Outcome]]) -> dict[str, tuple[str, ...]]:
    """Drop from the dense level the entries whose networks are another's, and return them by that other.

    Every method that starts from the same dense network has the same one; repeating it would only crowd the table.
    """
    alike: dict[str, tuple[str, ...]] = {}
    first: dict[bytes, str] = {}
    for name, own in list(entries.items()):
        if name == PROBE or not all(cell.done for cell in own):
            continue
        owner = first.setdefault(content(own), name)
        if owner != name:
            alike[owner] = (*alike.get(owner, ()), name)
            del entries[name]
    return alike


def _row(
    cells: Sequence[Outcome],
    table: LevelTable,
    order: Order | None,
    alike: tuple[str, ...],
    design: Design,
    shown: Sequence[Column],
) -> Row:
    done = [cell for cell in cells if cell.done]
    entry, asked = cells[0].entry, len(design.networks)
    ranked = table.twins.get(entry, entry) if order is not None and table.place(entry) is not None else None
    missing = Counter(cell.status for cell in cells if not cell.done)
    return Row(
        rank=order.rank(ranked) if order and ranked else None,
        letters=order.letters(ranked) if order and ranked else "",
        entry=entry,
        loss=cells[0].loss,
        control=cells[0].control,
        family=cells[0].family,
        alike=alike,
        asked=asked,
        done=len(done),
        collapsed=sum(cell.collapsed for cell in done),
        disconnected=sum(cell.disconnected for cell in done),
        problems=tuple(f"{status} {number}/{asked}" for status, number in sorted(missing.items())),
        budget=budget_of(done),
        figures={column.name: column.over(done) for column in shown},
    )
