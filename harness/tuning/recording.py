"""What is kept of a study for people: its record, for MLflow and the report."""

from collections.abc import Sequence
from dataclasses import replace

from harness.environment import versions
from harness.results.names import DENSE
from harness.results.study_record import BestTrial, Budget, StudyRecord
from harness.results.trial_record import TrialRecord
from harness.tuning.choosing import best_of, budgeted
from harness.tuning.search import Search
from harness.tuning.spaces import edges, searched
from harness.tuning.study import Study


def record_study(search: Search, study: Study, setting: str, command: str) -> StudyRecord:
    """Return a study's record. ``setting`` is that of the runs that it speaks of (`harness.planning.plan.setting_of`).

    Best, edges and budget are of the first trials up to the budget; trials beyond it are listed and choose nothing.
    """
    definition, everything = search.definition, study.records()
    counted = budgeted(everything, search.options.trials)
    best = best_of(counted, definition.objective, definition.default)
    return StudyRecord(
        study=definition.name,
        setting=setting,
        entry=search.entry.text,
        tuned=None if best is None else search.planned(best.parameters)[1].entry.text,
        method=search.entry.method,
        objective=definition.objective.name,
        fpr_bound=definition.objective.fpr_bound,
        seeds=search.options.seeds,
        densities=(1.0,) if search.entry.method == DENSE else search.plan.densities,
        space={name: searched(one) for name, one in definition.space.items()},
        default=definition.default,
        default_number=next((r.number for r in counted if dict(r.parameters) == dict(definition.default)), None),
        best=None if best is None else _best(best),
        edges=() if best is None else tuple(edges(search.candidate, definition.space, best.parameters)),
        importance=study.importance(),
        budget=_budget(counted, everything, search.options.trials),
        trials=tuple(
            replace(record, counted=record in counted)
            for record in everything
            if record.state not in ("waiting", "running")
        ),
        versions=versions(),
        command=command,
    )


def _best(best: TrialRecord) -> BestTrial:
    assert best.value is not None  # it is complete
    return BestTrial(
        number=best.number,
        parameters=best.parameters,
        value=best.value,
        validation_auc=best.validation_auc,
        feasible=best.feasible is not False,
    )


def _budget(counted: Sequence[TrialRecord], everything: Sequence[TrialRecord], asked: int) -> Budget:
    return Budget(
        asked=asked,
        finished=len(counted),
        pruned=sum(record.state == "pruned" for record in counted),
        lost=sum(record.state == "failed" and not record.counted for record in everything),
        distinct=len({tuple(sorted(record.parameters.items())) for record in counted}),
        steps=sum(record.steps for record in counted),
        seconds=sum(record.seconds for record in counted),
        computed_seconds=sum(record.computed_seconds for record in everything),
    )
