"""What tuning optimises, on validation images only."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from harness.results.trial_record import LevelResult

Direction = Literal["maximize", "minimize"]

CHANCE_AUC = 0.5


@dataclass(frozen=True, kw_only=True)
class Objective:
    """``auc``: mean validation AUC over the levels. ``fnr``: mean validation FNR at sens95, mean FPR <= ``fpr_bound``.

    A level that gave no network, or one that tells nothing apart, counts as AUC 0.5, FNR 1, FPR 1.
    """

    name: Literal["auc", "fnr"]
    fpr_bound: float | None = None

    @property
    def direction(self) -> Direction:
        """Optuna's word for which values are better."""
        return "maximize" if self.name == "auc" else "minimize"

    def value(self, levels: Sequence[LevelResult]) -> float:
        """Return the mean over ``levels``, at least one."""
        return fmean(self._one(level) for level in levels)

    def so_far(self, levels: Sequence[LevelResult], total: int) -> float:
        """Return the value after the first of ``total`` levels, those not reached counting as the worst.

        It gets better with every level and ends at `value`: Optuna's pruners compare the best that a trial ever
        reported with the others at the same level, so a mean, which begins high at the dense level, would stop none.
        """
        worst = 0.0 if self.name == "auc" else 1.0
        return (sum(self._one(level) for level in levels) + worst * (total - len(levels))) / total

    def excess(self, levels: Sequence[LevelResult]) -> float | None:
        """Return by how much the mean FPR is over its bound (<= 0: it is kept), None without a bound."""
        if self.fpr_bound is None:
            return None
        return fmean(level.errors[1] for level in levels) - self.fpr_bound

    def better(self, one: float, other: float) -> bool:
        """Return whether ``one`` is the better value."""
        return one > other if self.direction == "maximize" else one < other

    def _one(self, level: LevelResult) -> float:
        if self.name == "auc":
            return CHANCE_AUC if level.auc is None else level.auc
        return level.errors[0]
