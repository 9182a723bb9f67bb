"""A group's studies as the template and results.json need them."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from harness.reports.analysis.estimates import Rate
from harness.reports.analysis.leaderboard import Board
from harness.reports.analysis.optimism import optimism
from harness.reports.analysis.studies import Study
from harness.reports.analysis.tuned_comparison import Measured, compare
from harness.reports.page.tuning_chart import alternative, history
from harness.reports.words.tuning import aim, aims, chosen, importance, untuned, value, warnings

__all__ = ["tuning", "tuning_figures"]


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


def tuning_figures(board: Board) -> list[dict[str, Any]]:
    """Return the records as they were written, with what the page computes from them and the cells."""
    return [_figures(study, board) for study in board.studies]


def _figures(study: Study, board: Board) -> dict[str, Any]:
    note, steps = compare(study, board.cells)
    return {
        "record": study.record,
        "note": note,
        "steps": [
            {
                "density": step.density,
                "problem": step.problem,
                "measured": None if step.measured is None else _measured(step.measured),
            }
            for step in steps
        ],
        "optimism": [
            {**asdict(one), "fresh_drop": one.fresh_drop, "test_drop": one.test_drop}
            for one in optimism(study, board.cells)
        ],
    }


def _measured(found: Measured) -> dict[str, Any]:
    pairs = {
        name: dict(zip(("default", "tuned"), map(_rate, pair), strict=True))
        for name, pair in (("missed", found.missed), ("alarms", found.alarms))
    }
    return {**asdict(found), **pairs, "verdict": found.verdict}


def _rate(rate: Rate | None) -> dict[str, float] | None:
    return None if rate is None else {**asdict(rate), "share": rate.share}
