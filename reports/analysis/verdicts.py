"""How small an entry may get: the answer at each level beside the dense network, and the walk down from dense."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.evaluation.contrasts import Contrast, contrast
from harness.evaluation.safety import (
    FEWEST_NETWORKS,
    LARGEST_TIE,
    Answer,
    Deployed,
    Judgement,
    difference,
    judge,
    largest_tie,
    loss_of,
    within_margins,
)
from harness.evaluation.terms import Terms
from harness.reports.analysis.design import Design, entries_of
from harness.reports.analysis.level_table import LevelTable, level_table
from harness.reports.analysis.lost_positives import countable, lost_positives
from harness.reports.analysis.outcomes import Outcome
from harness.results import names

ALPHA = 0.05


@dataclass(frozen=True)
class Step:
    """One level of an entry: its ``judgement``, or the ``problem`` for which there is none.

    ``auc``: the mean AUC less the dense network's, None where there is no judgement. ``lost``: the
    ids of the positives that most of its networks miss and most dense ones find, None where there are too few networks
    to say so.
    """

    density: float
    judgement: Judgement | None
    deployed: Deployed | None = None
    problem: str = ""
    lost: tuple[str, ...] | None = None
    auc: Contrast | None = None

    @property
    def answer(self) -> Answer | None:
        """Return the answer, None where there is no verdict."""
        return self.judgement.answer if self.judgement and not self.problem else None

    def safe(self, level: float = 1 - ALPHA, *, delta: float) -> bool:
        """Say whether the network is safe, at this confidence that its loss is below ``delta``."""
        return self.answer == Answer.SAFE and self.judgement is not None and self.judgement.loss.upper(level) < delta


@dataclass(frozen=True)
class Verdict:
    """The answers of one entry, densest first; ``control`` where its method chooses weights by chance."""

    entry: str
    loss: str
    control: bool
    terms: Terms
    steps: tuple[Step, ...]

    @property
    def density(self) -> float | None:
        """Return the safe density, if there is one: the last of the unbroken run of safe levels.

        It is below 1, but for a twin: the dense network in int8 is smaller than the dense network.
        """
        return self.density_at(1 - ALPHA)

    def density_at(self, level: float) -> float | None:
        """Return the safe density at another confidence, such as one corrected for the number of entries."""
        found = self.reach(level)
        return found if found is not None and (found < 1 or names.is_twin(self.entry)) else None

    def reach(self, level: float) -> float | None:
        """Return the last level of the unbroken run of safe ones, which may be 1; None where the first is not safe."""
        safe = itertools.takewhile(lambda step: step.safe(level, delta=self.terms.delta), self.steps)
        return min((step.density for step in safe), default=None)

    @property
    def stop(self) -> Step | None:
        """Return the first step that is not safe, None where all are."""
        return next((step for step in self.steps if not step.safe(delta=self.terms.delta)), None)

    def passed(self, step: Step) -> bool:
        """Say whether the walk from dense downwards has passed a step."""
        return self.stop is None or step.density > self.stop.density


def verdicts(cells: Sequence[Outcome], design: Design) -> tuple[Verdict, ...]:
    """Return the verdict on each entry but the references, the smallest safe network first."""
    dense = [cell for cell in cells if cell.entry == names.DENSE]
    pruned = entries_of(cell for cell in cells if cell.entry not in names.REFERENCES)
    steps: dict[str, list[Step]] = {entry: [] for entry in pruned}
    for density in sorted({cell.density for own in pruned.values() for cell in own}, reverse=True):
        level = {name: own for name, every in pruned.items() if (own := [c for c in every if c.density == density])}
        for width in by_width(level):
            table = level_table({names.DENSE: dense, **width}, design)
            for entry, own in width.items():
                steps[entry].append(_step(entry, own, dense, table, design))
    found = [
        Verdict(entry, own[0].loss, own[0].control, own[0].terms, tuple(_below_dense(steps[entry], own, dense)))
        for entry, own in pruned.items()
    ]
    return tuple(sorted(found, key=lambda one: (one.density or 2, one.control, one.entry)))


def by_width(level: Mapping[str, list[Outcome]]) -> tuple[dict[str, list[Outcome]], ...]:
    """Return entries and twins apart: the two of a pair vary together, and a table takes what they share for agreement.

    So the answers on entries are the same with twins and without.
    """
    twins = {entry: own for entry, own in level.items() if names.is_twin(entry)}
    return {entry: own for entry, own in level.items() if entry not in twins}, twins


def _below_dense(steps: list[Step], own: Sequence[Outcome], dense: Sequence[Outcome]) -> list[Step]:
    """Leave out the level 1 of an entry that has the dense network itself there: nothing is to be asked of it."""
    scores = {cell.network: cell.scores for cell in dense}
    same = [
        cell.scores is not None
        and (reference := scores.get(cell.network)) is not None
        and np.array_equal(cell.scores, reference)
        for cell in own
        if cell.density == 1
    ]
    return steps[1:] if same and all(same) else steps


def _step(entry: str, own: Sequence[Outcome], dense: Sequence[Outcome], table: LevelTable, design: Design) -> Step:
    density, terms = own[0].density, own[0].terms
    place, reference = table.place(entry), table.place(names.DENSE)
    if place is None or reference is None:
        absent = design.absent(own) or [f"the dense network: {cause}" for cause in design.absent(dense)]
        return Step(density, None, problem="; ".join(absent))
    judgement = judge(table.sensitivities, place, reference, terms.fpr, terms.delta)
    lost = lost_positives(own, dense) if countable(design) else None
    auc = contrast(table.aucs, difference(len(table.entries), place, reference))
    return Step(density, judgement, _deployed(table, place, reference, terms), _degenerate(table, place), lost, auc)


def _deployed(table: LevelTable, entry: int, dense: int, terms: Terms) -> Deployed | None:
    if table.deployed is None or table.networks < FEWEST_NETWORKS:
        return None
    weights = difference(len(table.entries), entry, dense)
    missed, alarms = (loss_of(measured, weights, terms.delta) for measured in table.deployed)
    return Deployed(missed, alarms, within_margins(missed, alarms, terms.delta))


def _degenerate(table: LevelTable, place: int) -> str:
    """Say why a network that ranks next to nothing has no verdict, whatever its figures."""
    tied = max(largest_tie(scores) for part in table.parts for scores in part.scores[place])
    if tied >= LARGEST_TIE:
        return f"{100 * tied:.0f}% of the images have one and the same score"
    called = [
        float((scores > cut).mean())
        for part in table.parts
        for scores, cut in zip(part.scores[place], part.cuts[place], strict=True)
    ]
    if max(called) == 1:
        return "every image is called positive at the deployed cut"
    return "no image is called positive at the deployed cut" if min(called) == 0 and not _unknown(table) else ""


def _unknown(table: LevelTable) -> bool:
    return table.deployed is None
