"""The figures of one group as plain values: what its page shows, to full precision."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from harness.evaluation.contrasts import Contrast
from harness.evaluation.safety import Deployed
from harness.reports.analysis import columns
from harness.reports.analysis.decision_curves import decision_curve
from harness.reports.analysis.design import Design
from harness.reports.analysis.estimates import Estimate, Rate, calibration
from harness.reports.analysis.group_rates import GroupRate
from harness.reports.analysis.leaderboard import Board, Level, Row
from harness.reports.analysis.loss_pairs import LossPair, TwoByTwo
from harness.reports.analysis.lost_by_image import LostLevel
from harness.reports.analysis.machine_columns import MachineColumn
from harness.reports.analysis.methods import MethodOnBoard
from harness.reports.analysis.optimism import optimism
from harness.reports.analysis.outcomes import Outcome
from harness.reports.analysis.probe import AgainstProbe
from harness.reports.analysis.start import w0_saw_classes
from harness.reports.analysis.tuned_comparison import Measured, compare
from harness.reports.analysis.verdicts import ALPHA, Step, Verdict
from harness.reports.words.checklist import checked
from harness.reports.words.headline import answer, tells_apart
from harness.reports.words.trust import trust
from harness.reports.words.verdict_table import at_level
from harness.reports.words.verdicts import verdict, why
from harness.results import names
from harness.results.study_record import StudyRecord


def board_values(board: Board) -> dict[str, Any]:
    """Return labels, provenance, levels with their rows, verdicts, the answer and any tuning of one group."""
    found = {
        "group": board.group,
        "labels": labels(board),
        "answer": answer(board),
        "tells_apart": tells_apart(board),
        "resolution": board.resolution,
        "judged_by": asdict(board.terms),
        "seeds": list(board.seeds),
        "folds": list(board.design.parts) if board.design.folded else None,
        "positives": board.positives,
        "trust": [asdict(line) for line in trust(board)],
        "checklist": [asdict(line) for line in checked(board)],
        "lift": _contrast(board.lift, board.design),
        "levels": [_level(level, board) for level in board.levels],
        "verdicts": [_verdict(found, board) for found in board.verdicts],
        "lost": [_lost(level) for level in board.lost],
        "methods": [_method(one) for one in board.methods],
        "provenance": {name: fact for name, fact in board.provenance.items() if name != "methods"},
    }
    # Without studies, probe or pairs their key is left out: there is nothing to say.
    found |= {"tuning": _tuning(board)} if board.studies else {}
    found |= {names.PROBE: _probe(board.probe)} if board.probe else {}
    found |= {"submissions": list(map(asdict, board.submissions))} if board.submissions else {}
    found |= {"other_machines": list(map(asdict, board.other_machines))} if board.other_machines else {}
    found |= {"group_rates": [_group_rate(one) for one in board.group_rates]} if board.group_rates else {}
    return found | ({"loss_pairs": [_pair(pair) for pair in board.pairs]} if board.pairs else {})


def labels(board: Board) -> list[str]:
    """Return what takes a group's numbers their meaning, or some of it, the gravest first."""
    facts = board.provenance
    told = {
        "anecdote": board.design.anecdote,
        "badly trained": board.probe is not None and board.probe.badly_trained,
        "stand-in": facts.get("fallback_for"),
        "simulated": facts.get("simulated"),
        "W0 saw the classes": w0_saw_classes(facts),
        "partial": facts.get("partial") or facts.get("broken"),
        "caveats": facts.get("caveats"),
    }
    return [label for label, holds in told.items() if holds]


def _level(level: Level, board: Board) -> dict[str, Any]:
    ties = None if level.order is None else [list(run) for run in level.order.ties]
    done = [cell for cell in board.cells if cell.done and cell.density == level.density]
    rows = [
        {**_row(row, board.columns), **_curves([cell for cell in done if cell.entry == row.entry])}
        for row in level.rows
    ]
    return {"density": level.density, "ties": ties, "rows": rows}


def _row(row: Row, shown: Sequence[columns.Column]) -> dict[str, Any]:
    """Return a row with its figures by name, those of machines by the machine's."""
    facts = asdict(row)
    del facts["figures"]
    measured: dict[str, dict[str, Any]] = {}
    for one in shown:
        if isinstance(one, MachineColumn):
            measured.setdefault(one.machine, {})[one.what] = row.figures[one.name]
        else:
            facts[one.name] = _figure(row.figures[one.name])
    return {**facts, **({"machines": measured} if measured else {})}


def _curves(done: Sequence[Outcome]) -> dict[str, Any]:
    """Return what the page has no place for: calibration with its intervals, and the decision curve."""
    slope, intercept = calibration(done) or (None, None)
    return {
        "calibration": {"slope": _figure(slope), "intercept": _figure(intercept)},
        "decision_curve": [asdict(point) for point in decision_curve(done)],
    }


def _figure(figure: columns.Figure) -> Any:
    if isinstance(figure, Rate):
        return {**asdict(figure), "share": figure.share}
    return asdict(figure) if isinstance(figure, Estimate) else figure


def _lost(level: LostLevel) -> dict[str, Any]:
    images = [
        {
            "id": one.identity,
            "entries": len(one.entries),
            "dense_missed": one.dense_missed,
            "dense_networks": one.dense_networks,
        }
        for one in level.images
    ]
    return {**asdict(level), "images": images}


def _method(found: MethodOnBoard) -> dict[str, Any]:
    return {"name": found.name, **asdict(found.facts), "control": found.control, "entries": list(found.entries)}


def _group_rate(found: GroupRate) -> dict[str, Any]:
    return {**asdict(found), "missed": _figure(found.missed), "alarms": _figure(found.alarms)}


def _probe(found: AgainstProbe) -> dict[str, Any]:
    return {**asdict(found), "badly_trained": found.badly_trained}


def _pair(pair: LossPair) -> dict[str, Any]:
    return {**asdict(pair), "levels": [_square(square) for square in pair.levels]}


def _square(square: TwoByTwo) -> dict[str, Any]:
    corners = {name: {**asdict(corner), "missed": _figure(corner.missed)} for name, corner in square.corners.items()}
    return {**asdict(square), "corners": corners}


def _verdict(found: Verdict, board: Board) -> dict[str, Any]:
    return {
        "entry": found.entry,
        "loss": found.loss,
        "control": found.control,
        "answer": verdict(found),
        "density": found.density,
        "density_among_all": found.density_at(1 - ALPHA / len(board.verdicts)),
        "steps": [_step(step, found, board.design) for step in found.steps],
    }


def _step(step: Step, found: Verdict, design: Design) -> dict[str, Any]:
    judged = step.judgement
    return {
        "density": step.density,
        "answer": at_level(found, step),
        "why": why(step, found.terms),
        "passed": found.passed(step),
        "problem": step.problem,
        "loss": _contrast(judged.loss, design) if judged else None,
        "auc": _contrast(step.auc, design),
        "needed": asdict(judged.needed) if judged and judged.needed else None,
        "deployed": _deployed(step.deployed, design) if step.deployed else None,
        "lost": None if step.lost is None else list(step.lost),
    }


def _deployed(found: Deployed, design: Design) -> dict[str, Any]:
    rises = {"missed": found.missed, "alarms": found.alarms}
    return {**{name: _contrast(rise, design) for name, rise in rises.items()}, "within": found.within}


def _contrast(found: Contrast | None, design: Design) -> dict[str, Any] | None:
    """Return a contrast with its 95 % bounds, one-sided, and interval, over images and networks, and for these alone.

    Fewer than three networks say nothing of others.
    """
    if found is None:
        return None
    bounds = {**_bounds(found), "freedom": found.freedom}
    return {
        "value": found.value,
        **(dict.fromkeys(bounds) if design.anecdote else bounds),
        "these_networks": _bounds(found.of_these_networks),
    }


def _bounds(found: Contrast) -> dict[str, Any]:
    return {"lower": found.lower(), "upper": found.upper(), "interval": list(found.interval())}


def _tuning(board: Board) -> list[dict[str, Any]]:
    """Return the records as they were written, with what the page computes from them and the cells."""
    return [_figures(study, board) for study in board.studies]


def _figures(study: StudyRecord, board: Board) -> dict[str, Any]:
    note, steps = compare(study, board.cells, board.design)
    return {
        "record": study.to_json(),
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
        name: dict(zip(("default", "tuned"), map(_figure, pair), strict=True))
        for name, pair in (("missed", found.missed), ("alarms", found.alarms))
    }
    return {**asdict(found), **pairs, "verdict": found.verdict}
