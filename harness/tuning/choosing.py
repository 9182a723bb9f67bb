"""Which trials a study chooses among, and which of them is the best."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.results.trial_record import TrialRecord
from harness.tuning.objective import Objective


def budgeted(records: Sequence[TrialRecord], budget: int) -> list[TrialRecord]:
    """Return the first ``budget`` trials that count, in order of number: no study chooses among more than others."""
    return [record for record in records if record.counted][:budget]


def settled(records: Sequence[TrialRecord], budget: int) -> bool:
    """Return whether the first ``budget`` trials are finished: none with a lower number still runs elsewhere."""
    first = budgeted(records, budget)
    return len(first) == budget and not any(
        record.state == "running" and record.number < first[-1].number for record in records
    )


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
