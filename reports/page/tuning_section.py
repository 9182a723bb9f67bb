"""A group's studies as the template and results.json need them."""

import math
from collections.abc import Mapping
from typing import Any

from harness.reports.analysis.leaderboard import Board
from harness.reports.analysis.optimism import optimism
from harness.reports.analysis.studies import Study
from harness.reports.analysis.tuned_comparison import compare
from harness.reports.page.tuning_chart import alternative, history
from harness.reports.words.tuning import aim, aims, chosen, importance, untuned, value, warnings


def tuning(board: Board) -> dict[str, Any] | None:
    """Return what the template shows of one group's studies, None without any."""
    if not board.studies:
        return None
    compared = [(study, *compare(study, board.cells)) for study in board.studies]
    return {
        "aims": aims(board),
        "warnings": warnings(board),
        "untuned": untuned(board),
        "rows": [_row(study) for study in board.studies],
        "steps": [(study, step) for study, _, steps in compared for step in steps],
        "notes": [(study, note) for study, note, _ in compared if note],
        "optimism": [one for study in board.studies for one in optimism(study, board.cells)],
        "histories": [(study, aim(study), history(study), alternative(study)) for study in board.studies],
    }


def _row(study: Study) -> dict[str, Any]:
    """Return one row of the summary."""
    budget: Mapping[str, Any] = study.record["budget"]
    best = study.best
    default = study.default.value if study.default else math.nan
    found = best.value if best else math.nan
    counts = [(budget["pruned"], "pruned"), (budget["lost"], "lost")]
    return {
        "study": study,
        "chosen": chosen(study),
        "best": best,
        "aim": aim(study) + (f", trial {study.default.number}" if study.default else ""),
        "default": (default, value(study, default)),
        "found": (found, value(study, found)),
        "budget": budget,
        "ended": ", ".join(f"{number} {what}" for number, what in counts if number),
        "importance": importance(study),
    }
