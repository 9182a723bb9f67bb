"""Trials as plain values, and which of them is the best."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.tuning.objective import LevelResult, Objective


@dataclass(frozen=True)
class Spent:
    """Training steps and seconds of all stages of a trial, and the seconds of those that no one had computed yet."""

    steps: int = 0
    seconds: float = 0.0
    computed_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """One trial, read back. ``state``: complete, pruned, failed, running, waiting; ``counted``: in the budget.

    ``value`` is the objective's; of a pruned trial over the levels that it ran. ``feasible`` is None without a bound.
    """

    number: int
    state: str
    counted: bool
    value: float | None
    feasible: bool | None
    parameters: Mapping[str, Any]
    levels: tuple[LevelResult, ...]
    spent: Spent
    reason: str

    def as_json(self) -> dict[str, Any]:
        """Return what MLflow keeps of a trial."""
        return {
            "number": self.number,
            "state": self.state,
            "value": self.value,
            "feasible": self.feasible,
            "parameters": dict(self.parameters),
            "levels": [level.as_json() for level in self.levels],
            "steps": self.spent.steps,
            "seconds": self.spent.seconds,
            "computed_seconds": self.spent.computed_seconds,
            "reason": self.reason,
        }

    @property
    def validation_auc(self) -> float | None:
        """Mean validation AUC over the levels, None where one gave no network."""
        found = [level.auc for level in self.levels if level.auc is not None]
        return sum(found) / len(found) if found and len(found) == len(self.levels) else None

    @property
    def mean_fpr(self) -> float:
        """Mean FPR at sens95 over the levels; a level that tells nothing apart counts as 1."""
        return sum(level.errors[1] for level in self.levels) / max(len(self.levels), 1)


def budgeted(records: Sequence[TrialRecord], budget: int) -> list[TrialRecord]:
    """Return the first ``budget`` trials that count, in order of number: no study chooses among more than others."""
    return [record for record in records if record.counted][:budget]


def best_of(records: Sequence[TrialRecord], objective: Objective, default: Mapping[str, Any]) -> TrialRecord | None:
    """Return the best complete trial that gave a network: within the bound, by value, the default, the earlier one.

    Under the ``fnr`` objective equal values go to the lower FPR; where no trial keeps the bound, to the lowest.
    """
    sign = -1 if objective.direction == "maximize" else 1

    def order(record: TrialRecord) -> tuple[Any, ...]:
        assert record.value is not None
        tie = (dict(record.parameters) != dict(default), record.number)
        if objective.fpr_bound is None:
            return sign * record.value, *tie
        value = (sign * record.value,) if record.feasible else ()
        return not record.feasible, *value, record.mean_fpr, *tie

    complete = [r for r in records if r.state == "complete" and any(level.status == "done" for level in r.levels)]
    return min(complete, key=order, default=None)


def read_trial(trial: Any, used: Callable[[Mapping[str, Any]], Mapping[str, Any]], objective: Objective) -> TrialRecord:
    """Return one of Optuna's frozen trials; ``used`` turns suggested values into those that are trained."""
    outcome = trial.user_attrs.get("outcome", {})
    state = {"fail": "failed"}.get(trial.state.name.lower(), trial.state.name.lower())
    told = state in ("complete", "pruned")
    bounded = told and objective.fpr_bound is not None
    return TrialRecord(
        number=trial.number,
        state=state,
        counted=told or bool(trial.user_attrs.get("counted")),
        value=float(outcome.get("mean", trial.value)) if told else None,
        feasible=all(value <= 0 for value in trial.constraints.values()) if bounded else None,
        parameters=trial.user_attrs.get("claim", {}).get("values") or used(trial.params),
        levels=tuple(LevelResult(**level) for level in outcome.get("levels", [])),
        spent=Spent(**outcome.get("spent", {})),
        reason=str(trial.user_attrs.get("reason", "")),
    )
