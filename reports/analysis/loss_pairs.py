"""What the loss did and what the pruning did: a method under the plain loss against itself under another."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.evaluation.auc import mean_auc, paired_auc_contrast
from harness.reports.analysis.estimates import Rate, rate
from harness.reports.analysis.outcomes import Outcome, absent, labels_of, scores_of
from harness.results import names

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
    """One network under one loss: mean AUC and missed positives at sens95 over ``seeds``, None without any.

    ``problem`` says which seeds are missing or collapsed; collapsed ones are in the figures.
    """

    auc: float | None
    missed: Rate | None
    seeds: tuple[int, ...]
    problem: str


@dataclass(frozen=True)
class Effect:
    """A contrast of mean AUCs with its 95 % interval over images and seeds."""

    value: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Say whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class TwoByTwo:
    """One pruned level with its dense networks, or at density 1 these alone.

    ``seeds`` are those that all corners have done: effects are over them. Where there are none, ``effects`` is empty
    and each corner shows the seeds that it has.
    """

    density: float
    seeds: tuple[int, ...]
    corners: Mapping[str, Corner]
    effects: Mapping[str, Effect]


@dataclass(frozen=True)
class LossPair:
    """One method as two entries: ``plain`` under the plain loss, ``other`` under the ``loss`` of that name.

    ``loss_changes`` says that the other loss has another gamma after the first round: its dense networks were trained
    with the first one, and no level has the effects that would hold the change besides the pruning. ``seeds`` are all
    that either was asked for; ``levels`` are densest first, the dense networks leading.
    """

    plain: str
    other: str
    loss: str
    loss_changes: bool
    seeds: tuple[int, ...]
    levels: tuple[TwoByTwo, ...]


def loss_pairs(cells: Sequence[Outcome]) -> tuple[LossPair, ...]:
    """Return every pair of entries of one group that differ in the loss alone, one of them under the plain loss."""
    entries: dict[str, list[Outcome]] = {}
    for cell in sorted(cells, key=lambda cell: (cell.entry, cell.seed)):
        entries.setdefault(cell.entry, []).append(cell)
    plain = {own[0].plain: own for own in entries.values() if own[0].loss == names.PLAIN_LOSS}
    found = [_pair(plain[own[0].plain], own) for own in entries.values() if _has_plain_twin(own[0], plain)]
    return tuple(sorted(found, key=lambda pair: (pair.plain, pair.other)))


def _has_plain_twin(cell: Outcome, plain: Mapping[str, list[Outcome]]) -> bool:
    return cell.loss != names.PLAIN_LOSS and cell.plain in plain


def _pair(plain: Sequence[Outcome], other: Sequence[Outcome]) -> LossPair:
    both = (*plain, *other)
    seeds = tuple(sorted({cell.seed for cell in both}))
    levels = sorted({cell.density for cell in both} | {1.0}, reverse=True)
    changes = any(cell.loss_changes for cell in other)
    known = {name: weights for name, weights in EFFECTS.items() if not (changes and name in MIXED)}
    squares = tuple(_square(level, seeds, plain, other, known) for level in levels)
    return LossPair(plain[0].entry, other[0].entry, other[0].loss, changes, seeds, squares)


def _square(
    density: float, seeds: Sequence[int], plain: Sequence[Outcome], other: Sequence[Outcome], known: Contrasts
) -> TwoByTwo:
    sizes = {names.DENSE: 1.0, **({"pruned": density} if density < 1 else {})}
    cells = {
        f"{size}_{loss}": [cell for cell in own if cell.density == level]
        for size, level in sizes.items()
        for loss, own in (("plain", plain), ("other", other))
    }
    common = tuple(seed for seed in seeds if all(seed in _done(own) for own in cells.values()))
    corners = {name: _corner(own, seeds, common) for name, own in cells.items()}
    return TwoByTwo(density, common, corners, _effects(cells, common, known))


def _done(cells: Iterable[Outcome]) -> dict[int, Outcome]:
    return {cell.seed: cell for cell in cells if cell.done}


def _corner(cells: Sequence[Outcome], seeds: Sequence[int], common: Sequence[int]) -> Corner:
    done = _done(cells)
    shown = [done[seed] for seed in common or done]
    auc = mean_auc(labels_of(shown), scores_of(shown))[0] if shown else None
    return Corner(auc, rate(shown, names.MISSED), tuple(cell.seed for cell in shown), "; ".join(absent(cells, seeds)))


def _effects(cells: Mapping[str, Sequence[Outcome]], common: Sequence[int], known: Contrasts) -> dict[str, Effect]:
    if not common:
        return {}
    shown = {name: [_done(own)[seed] for seed in common] for name, own in cells.items()}
    labels = labels_of(next(iter(shown.values())))
    scores = {name: scores_of(own) for name, own in shown.items()}
    return {
        effect: Effect(*paired_auc_contrast(labels, [scores[name] for name in weights], [*weights.values()]))
        for effect, weights in known.items()
        if weights.keys() <= scores.keys()
    }
