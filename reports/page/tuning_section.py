"""A group's studies as the template and results.json need them."""

import math
from typing import Any

from harness.reports.analysis.leaderboard import Board
from harness.reports.analysis.optimism import optimism
from harness.reports.analysis.tuned_comparison import compare
from harness.reports.charts.tuning import History, alternative, history
from harness.reports.words.tuning import aim, aims, changed, importance, untuned, value, warnings
from harness.results.study_record import BestTrial, StudyRecord
from harness.results.trial_record import TrialRecord


def tuning(board: Board) -> dict[str, Any] | None:
    """Return what the template shows of one group's studies, None without any."""
    if not board.studies:
        return None
    compared = [(study, *compare(study, board.cells, board.design)) for study in board.studies]
    return {
        "aims": aims(board),
        "warnings": warnings(board),
        "untuned": untuned(board),
        "rows": [_row(study) for study in board.studies],
        "steps": [(study, step) for study, _, steps in compared for step in steps],
        "notes": [(study, note) for study, note, _ in compared if note],
        "optimism": [one for study in board.studies for one in optimism(study, board.cells)],
        "histories": [History(study, aim(study), history(study), alternative(study)) for study in board.studies],
    }


def _row(study: StudyRecord) -> dict[str, Any]:
    """Return one row of the summary."""
    budget, best, default = study.budget, study.best, study.default_trial
    counts = [(budget.pruned, "pruned"), (budget.lost, "lost")]
    return {
        "study": study,
        "chosen": changed(study),
        "best": best,
        "aim": aim(study) + (f", trial {default.number}" if default else ""),
        "default": _figure(study, default),
        "found": _figure(study, best),
        "budget": budget,
        "ended": ", ".join(f"{number} {what}" for number, what in counts if number),
        "importance": importance(study),
    }


def _figure(study: StudyRecord, trial: TrialRecord | BestTrial | None) -> tuple[float, str]:
    """Return a trial's value to sort by, NaN where it has none, and as it is shown."""
    number = math.nan if trial is None or trial.value is None else trial.value
    return number, value(study, number)
