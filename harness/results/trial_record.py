"""A trial as plain values: what tuning tells of it, what MLflow keeps, and what the reports read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.results.names import DONE
from harness.results.plain_values import made, plain


@dataclass(frozen=True, kw_only=True)
class LevelResult:
    """One level of a trial: validation AUC, and FNR and FPR at sens95, means over the tuning seeds.

    All three are None unless ``status`` is "done" for every seed. Shares in [0, 1]. ``collapsed``: for some seed the
    scores are nearly the same for every image.
    """

    density: float
    status: str
    collapsed: bool = False
    auc: float | None = None
    fnr: float | None = None
    fpr: float | None = None
    reason: str = ""

    @property
    def errors(self) -> tuple[float, float]:
        """(FNR, FPR) as they count: (1, 1) where nothing is told apart, which sens95 alone would call no miss."""
        if self.fnr is None or self.fpr is None or self.collapsed:
            return 1.0, 1.0
        return self.fnr, self.fpr

    def to_json(self) -> dict[str, Any]:
        """Return the fields by name."""
        return plain(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "LevelResult":
        """Return the result that `to_json` wrote."""
        return made(cls, value)


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """One trial. ``state``: complete, pruned, failed, running, waiting; ``counted``: it is in the budget.

    ``value`` is the objective's; of a pruned trial over the levels that it ran. ``feasible`` is None without a bound.
    ``steps`` of training and ``seconds`` are those of all its stages, ``computed_seconds`` of those that no one had
    computed yet.
    """

    number: int
    state: str
    value: float | None
    feasible: bool | None
    parameters: Mapping[str, Any]
    levels: tuple[LevelResult, ...]
    steps: int
    seconds: float
    computed_seconds: float
    reason: str
    counted: bool = True

    @property
    def has_network(self) -> bool:
        """Whether a level gave a network."""
        return any(level.status == DONE for level in self.levels)

    @property
    def whole(self) -> bool:
        """Whether every level gave a network."""
        return all(level.status == DONE for level in self.levels)

    @property
    def validation_auc(self) -> float | None:
        """Mean validation AUC over the levels, None where one gave no network."""
        found = [level.auc for level in self.levels if level.auc is not None]
        return sum(found) / len(found) if found and len(found) == len(self.levels) else None

    @property
    def mean_fpr(self) -> float:
        """Mean FPR at sens95 over the levels; a level that tells nothing apart counts as 1."""
        return sum(level.errors[1] for level in self.levels) / max(len(self.levels), 1)

    def to_json(self) -> dict[str, Any]:
        """Return the fields by name."""
        return plain(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "TrialRecord":
        """Return the trial that `to_json` wrote."""
        return made(cls, value, levels=tuple(map(LevelResult.from_json, value["levels"])))
