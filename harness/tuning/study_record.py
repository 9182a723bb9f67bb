"""What is kept of a study for people: the record that MLflow holds and the report shows."""

from collections.abc import Sequence
from typing import Any

from harness.environment import versions
from harness.results.names import DENSE
from harness.tuning.search import Search
from harness.tuning.spaces import as_json, edges
from harness.tuning.studies import Study
from harness.tuning.trial_record import TrialRecord, best_of, budgeted


def record_of(search: Search, study: Study, setting: str, command: str) -> dict[str, Any]:
    """Return a study's record. ``setting`` is that of the runs that it speaks of (`harness.planning.plan.setting_of`).

    Best, edges and budget are of the first trials up to the budget; trials beyond it are listed and choose nothing.
    """
    everything = study.records()
    asked = search.options.trials
    counted = budgeted(everything, asked)
    best = best_of(counted, search.definition.objective, search.definition.default)
    return {
        "study": search.definition.name,
        "setting": setting,
        "entry": search.entry.text,
        "tuned": None if best is None else search.planned(best.parameters)[1].entry.text,
        "method": search.entry.method,
        "objective": search.definition.objective.name,
        "fpr_bound": search.definition.objective.fpr_bound,
        "seeds": list(search.options.seeds),
        "densities": [1.0] if search.entry.method == DENSE else list(search.plan.densities),
        "space": {name: as_json(one) for name, one in search.definition.space.items()},
        "default": dict(search.definition.default),
        "default_number": next(
            (r.number for r in counted if dict(r.parameters) == dict(search.definition.default)), None
        ),
        "best": None if best is None else _best(best),
        "edges": [] if best is None else edges(search.candidate, search.definition.space, best.parameters),
        "importance": study.importance(),
        "budget": _budget(counted, everything, asked),
        "trials": [
            record.as_json() | {"counted": record in counted}
            for record in everything
            if record.state not in ("waiting", "running")
        ],
        "versions": versions(),
        "command": command,
    }


def _best(best: TrialRecord) -> dict[str, Any]:
    return {
        "number": best.number,
        "parameters": dict(best.parameters),
        "value": best.value,
        "validation_auc": best.validation_auc,
        "feasible": best.feasible is not False,
    }


def _budget(counted: Sequence[TrialRecord], everything: Sequence[TrialRecord], asked: int) -> dict[str, Any]:
    return {
        "asked": asked,
        "finished": len(counted),
        "pruned": sum(record.state == "pruned" for record in counted),
        "lost": sum(record.state == "failed" and not record.counted for record in everything),
        "distinct": len({tuple(sorted(record.parameters.items())) for record in counted}),
        "steps": sum(record.spent.steps for record in counted),
        "seconds": sum(record.spent.seconds for record in counted),
        "computed_seconds": sum(record.spent.computed_seconds for record in everything),
    }
