"""One trial, in a worker: an entry's cells, level by level, on validation. Test images are never read here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from harness.planning.entries import Entry
from harness.planning.plan import Plan, levels_of
from harness.results.cell_record import CellRecord
from harness.results.names import COLLAPSED, DONE, VALIDATION, on
from harness.results.trial_record import LevelResult
from harness.running.channel import Line


@dataclass(frozen=True)
class TrialJob:
    """What a worker needs of a trial: the plan with the trial's schedule, its entry, its seeds, and whose it is."""

    plan: Plan
    entry: Entry
    seeds: tuple[int, ...]
    study: str
    number: int


def run_trial(plan: Plan, job: TrialJob, line: Line) -> None:
    """Send a ``level`` message per level, (result, spent so far), and wait for the parent to say whether to go on."""
    from harness.running.cells import cells  # torch, which the parent does without
    from harness.running.job_watcher import JobWatcher
    from harness.running.warm_up import caged
    from harness.tuning.metered_store import MeteredStore

    trial = replace(job.plan, store=plan.store)  # which may have another place on the worker's machine
    checks = [caged(trial, job.seeds).check]
    store = MeteredStore(trial.store, watcher=JobWatcher(line), checks=checks)
    levels = levels_of(job.entry, trial.densities)
    seeds = [cells(trial, job.entry, seed, levels, store) for seed in job.seeds]
    for of_one_level in zip(*seeds, strict=True):
        line.send(("level", (level_result(of_one_level), store.spent)))
        if not line.recv():
            return


def level_result(cells: Sequence[CellRecord]) -> LevelResult:
    """Return one level's result over the tuning seeds."""
    missing = next((cell for cell in cells if cell.status != DONE), None)
    if missing is not None:
        return LevelResult(density=missing.density, status=missing.status, reason=missing.reason)
    figures = [cell.metrics for cell in cells]
    return LevelResult(
        density=cells[0].density,
        status=DONE,
        collapsed=any(one[COLLAPSED] > 0 for one in figures),
        auc=fmean(one[on(VALIDATION, "auc")] for one in figures),
        fnr=fmean(one[on(VALIDATION, "fn/sens95")] / one[on(VALIDATION, "p")] for one in figures),
        fpr=fmean(one[on(VALIDATION, "fp/sens95")] / one[on(VALIDATION, "n")] for one in figures),
    )
