"""What the loss did and what the pruning did: a method under the plain loss against itself under another."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.reports.analysis.design import Design
from harness.reports.analysis.differences import auc_contrast, mean_auc_of
from harness.reports.analysis.estimates import Rate, rate
from harness.reports.analysis.outcomes import Outcome
from harness.results import names
from harness.results.names import MISSED_DEPLOYED

Contrasts = Mapping[str, Mapping[str, float]]
EFFECTS: Contrasts = {
    "loss_on_dense": {"dense_plain": -1, "dense_other": 1},
    "loss_on_pruned": {"pruned_plain": -1, "pruned_other": 1},
    "pruning_under_plain": {"dense_plain": -1, "pruned_plain": 1},
    "pruning_under_other": {"dense_other": -1, "pruned_other": 1},
    "interaction": {"dense_plain": 1, "dense_other": -1, "pruned_plain": -1, "pruned_other": 1},
}
"""Each effect as a contrast of mean AUCs. The interaction is what the loss did to the pruned network beyond what it
did to the dense one, or, which is the same, how much less the pruning cost under the other loss."""

MIXED = {"pruning_under_other", "interaction"}
"""Where the other loss changes after the first round, these hold its change besides the pruning, and are left out."""


@dataclass(frozen=True)
class Corner:
    """One network under one loss: mean AUC and missed positives at the deployed cut, None without any network done.

    ``done`` counts networks; ``problem`` says which are missing or collapsed; collapsed ones are in the figures.
    """

    auc: float | None
    missed: Rate | None
    done: int
    problem: str


@dataclass(frozen=True)
class Effect:
    """A contrast of mean AUCs with its 95 % interval over images and networks; ``anecdote`` where these are too few."""

    value: float
    low: float
    high: float
    anecdote: bool = False

    @property
    def clear(self) -> bool:
        """Say whether the interval leaves out 0, and may be trusted to."""
        return not self.anecdote and (self.low > 0 or self.high < 0)


@dataclass(frozen=True)
class TwoByTwo:
    """One pruned level with its dense networks, or at density 1 these alone.

    ``effects`` are empty where a network of any corner is missing: it is not averaged away.
    """

    density: float
    corners: Mapping[str, Corner]
    effects: Mapping[str, Effect]


@dataclass(frozen=True)
class LossPair:
    """One method as two entries: ``plain`` under the plain loss, ``other`` under the ``loss`` of that name.

    ``loss_changes`` says that the other loss has another gamma after the first round: its dense networks were trained
    with the first one, and no level has the effects that would hold the change besides the pruning. ``levels`` are
    densest first, the dense networks leading.
    """

    plain: str
    other: str
    loss: str
    loss_changes: bool
    levels: tuple[TwoByTwo, ...]


def loss_pairs(cells: Sequence[Outcome], design: Design) -> tuple[LossPair, ...]:
    """Return every pair of entries of one group that differ in the loss alone, one of them under the plain loss."""
    entries: dict[str, list[Outcome]] = {}
    for cell in sorted(cells, key=lambda cell: (cell.entry, cell.network)):
        entries.setdefault(cell.entry, []).append(cell)
    plain = {own[0].plain: own for own in entries.values() if own[0].loss == names.PLAIN_LOSS}
    found = [_pair(plain[own[0].plain], own, design) for own in entries.values() if _has_plain_twin(own[0], plain)]
    return tuple(sorted(found, key=lambda pair: (pair.plain, pair.other)))


def _has_plain_twin(cell: Outcome, plain: Mapping[str, list[Outcome]]) -> bool:
    return cell.loss != names.PLAIN_LOSS and cell.plain in plain


def _pair(plain: Sequence[Outcome], other: Sequence[Outcome], design: Design) -> LossPair:
    both = (*plain, *other)
    levels = sorted({cell.density for cell in both} | {1.0}, reverse=True)
    changes = any(cell.loss_changes for cell in other)
    known = {name: weights for name, weights in EFFECTS.items() if not (changes and name in MIXED)}
    squares = tuple(_square(level, plain, other, design, known) for level in levels)
    return LossPair(plain[0].entry, other[0].entry, other[0].loss, changes, squares)


def _square(
    density: float, plain: Sequence[Outcome], other: Sequence[Outcome], design: Design, known: Contrasts
) -> TwoByTwo:
    sizes = {names.DENSE: 1.0, **({"pruned": density} if density < 1 else {})}
    cells = {
        f"{size}_{loss}": [cell for cell in own if cell.density == level]
        for size, level in sizes.items()
        for loss, own in (("plain", plain), ("other", other))
    }
    corners = {name: _corner(own, design) for name, own in cells.items()}
    whole = all(len(_done(own)) == len(design.networks) for own in cells.values())
    return TwoByTwo(density, corners, _effects(cells, design, known) if whole else {})


def _done(cells: Iterable[Outcome]) -> list[Outcome]:
    return [cell for cell in cells if cell.done]


def _corner(cells: Sequence[Outcome], design: Design) -> Corner:
    done = _done(cells)
    auc = mean_auc_of(done) if done else None
    return Corner(auc, rate(done, MISSED_DEPLOYED), len(done), "; ".join(design.absent(cells)))


def _effects(cells: Mapping[str, Sequence[Outcome]], design: Design, known: Contrasts) -> dict[str, Effect]:
    """Return the effects; the variance over networks is pooled over all corners of the level."""
    found = {}
    for effect, weights in known.items():
        if weights.keys() <= cells.keys():
            one = auc_contrast([*cells.values()], [weights.get(name, 0) for name in cells])
            found[effect] = Effect(one.value, *one.interval(), design.anecdote)
    return found
