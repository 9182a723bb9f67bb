"""How small an entry may get before it is no longer shown to find what the dense network finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.evaluation.proportions import paired_upper_bound
from harness.evaluation.safe_compression import SafeCompression, safe_compression
from harness.reports.analysis.estimates import auc
from harness.reports.analysis.outcomes import Outcome
from harness.results import names

CHANCE = 0.5
DELTA = 0.10
"""How much larger the FNR may at most be, with 95 % confidence, for a network to count as safe."""


@dataclass(frozen=True)
class Step:
    """One level against the plain-loss dense network of the same seeds, each cut at its own sens95.

    Mean counts over seeds: ``newly_missed`` positives only by the pruned network, ``newly_found`` missed
    only by the dense one; ``bound`` is the upper bound of the FNR difference. A ``problem`` ends the walk
    from dense downwards, ``measured`` or not.
    """

    density: float
    newly_missed: float
    newly_found: float
    bound: float | None
    problem: str = ""
    measured: bool = True


@dataclass(frozen=True)
class Safety:
    """The verdict on one entry; ``at`` are its done cells at the safe density, ``dense`` the reference's."""

    entry: str
    loss: str
    result: SafeCompression | None
    steps: tuple[Step, ...]
    note: str
    at: tuple[Outcome, ...]
    dense: tuple[Outcome, ...]

    @property
    def density(self) -> float | None:
        """Return the safe density below 1, if there is one."""
        found = self.result.density if self.result else None
        return found if found is not None and found < 1 else None

    def is_safe(self, step: Step) -> bool:
        """Say whether the walk from dense downwards passed this step."""
        found = self.result.density if self.result else None
        return found is not None and step.density >= found


def safeties(cells: Sequence[Outcome]) -> tuple[Safety, ...]:
    """Return the verdict on each entry of one group but the references, smallest safe network first."""
    dense = {cell.seed: cell for cell in cells if cell.entry == names.DENSE and cell.done}
    entries: dict[str, list[Outcome]] = {}
    for cell in cells:
        if cell.entry not in names.REFERENCES:
            entries.setdefault(cell.entry, []).append(cell)
    found = [_safety(own, dense) for own in entries.values()]
    return tuple(sorted(found, key=lambda one: (one.density or (1.5 if one.result else 2), one.entry)))


def _safety(cells: Sequence[Outcome], dense: Mapping[int, Outcome]) -> Safety:
    levels = sorted({cell.density for cell in cells}, reverse=True)
    seeds = {cell.seed for cell in cells}
    steps = tuple(_step([cell for cell in cells if cell.density == level], seeds, dense) for level in levels)
    walked: list[Step] = []
    stop = next((step for step in steps if step.problem), None)
    for step in steps:
        if step is stop:
            break
        walked.append(step)
    positives = [int(cell.labels.sum()) for cell in dense.values() if cell.labels is not None]
    result = None
    # Nothing measured below dense is not the verdict "none".
    if positives and (any(step.density < 1 for step in walked) or (stop or steps[-1]).measured):
        result = safe_compression(
            [(one.density, one.newly_missed, one.newly_found) for one in walked], positives[0], DELTA
        )
    at = tuple(cell for cell in cells if result and cell.density == result.density and cell.done)
    return Safety(cells[0].entry, cells[0].loss, result, steps, _note(result, stop), at, tuple(dense.values()))


def _note(result: SafeCompression | None, stop: Step | None) -> str:
    """Say what ended the walk: misses that cannot be ruled out, or else the first problem."""
    if result is not None and result.verdict == "not decidable":
        return ""
    if result is not None and result.bounds and result.bounds[-1][1] >= DELTA:
        density, bound = result.bounds[-1]
        return f"up to {100 * bound:.0f} points more misses at {100 * density:.3g}%"
    return f"{stop.problem} at {100 * stop.density:.3g}%" if stop else ""


def _step(cells: Sequence[Outcome], seeds: set[int], dense: Mapping[int, Outcome]) -> Step:
    pairs = [(cell, dense[cell.seed]) for cell in cells if cell.done and cell.seed in dense]
    missed, found, positives = _mean_discordant(pairs, label=1)
    bound = paired_upper_bound(missed, found, positives) if positives else None
    unmeasured = _unmeasured(cells, seeds, dense)
    return Step(
        cells[0].density,
        missed,
        found,
        bound,
        unmeasured or _degenerate(cells, pairs),
        measured=not unmeasured,
    )


def _unmeasured(cells: Sequence[Outcome], seeds: set[int], dense: Mapping[int, Outcome]) -> str:
    """Say what is missing: a missing seed is not averaged away."""
    unfinished = [cell for cell in cells if not cell.done]
    if unfinished:
        return f"{unfinished[0].status} ({len(unfinished)} of {len(seeds)} seeds)"
    if {cell.seed for cell in cells} != seeds:
        return f"only {len(cells)} of {len(seeds)} seeds measured"
    if not seeds <= set(dense):
        return "no dense reference of the same seed"
    return "dense reference collapsed" if any(cell.collapsed for cell in dense.values()) else ""


def _degenerate(cells: Sequence[Outcome], pairs: Sequence[tuple[Outcome, Outcome]]) -> str:
    """Say why few misses are no merit here: the network collapsed, guesses, or cries wolf.

    The sens95 threshold moves until 95 % of the validation positives are kept, so even a guessing network
    misses few; it pays in false alarms. The walk ends where its AUC-ROC is not shown (95 % interval) to be above
    0.5, and where false alarms are shown (one-sided 95 %) to be more than `DELTA` above the dense network's.
    """
    collapsed = sum(cell.collapsed for cell in cells)
    if collapsed:
        return f"collapsed ({collapsed} of {len(cells)} seeds)"
    silenced, raised, negatives = _mean_discordant(pairs, label=0)
    at_least = -paired_upper_bound(silenced, raised, negatives) if negatives else 0.0
    if at_least > DELTA:
        return f"false alarms up by {100 * (raised - silenced) / negatives:.0f} points"
    ranking = auc([cell for cell in cells if cell.done])
    guesses = ranking is not None and ranking.low <= CHANCE
    return f"AUC {ranking.value:.2f}, not shown to beat guessing," if ranking and guesses else ""


def _mean_discordant(pairs: Sequence[tuple[Outcome, Outcome]], label: int) -> tuple[float, float, int]:
    """Return the mean counts of the class called negative only by the pruned, only by the dense; its size."""
    counts, total = [], 0
    for pruned, dense in pairs:
        assert pruned.labels is not None
        own = pruned.labels == label
        ours, theirs = (_called(cell)[own] for cell in (pruned, dense))
        counts.append((np.count_nonzero(theirs & ~ours), np.count_nonzero(ours & ~theirs)))
        total = int(own.sum())
    first, second = np.mean(counts, axis=0).tolist() if counts else (0.0, 0.0)
    return first, second, total


def _called(cell: Outcome) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
    """Return which images are called positive, (N,)."""
    assert cell.scores is not None
    return np.asarray(cell.scores > cell.metric(names.SENS95))
