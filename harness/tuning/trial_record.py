"""Which trials a study chooses among, which of them is the best, and how Optuna's are read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.results.trial_record import LevelResult, TrialRecord
from harness.tuning.objective import Objective


@dataclass(frozen=True)
class Spent:
    """Training steps and seconds of all stages of a trial, and the seconds of those that no one had computed yet."""

    steps: int = 0
    seconds: float = 0.0
    computed_seconds: float = 0.0


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

    complete = [record for record in records if record.state == "complete" and record.has_network]
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
        reason=str(trial.user_attrs.get("reason", "")),
        **asdict(Spent(**outcome.get("spent", {}))),
    )
