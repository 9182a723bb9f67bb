"""One self-contained page: everything inlined, nothing loaded, readable without JavaScript."""

import os
import tempfile
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness.reports import wording
from harness.reports.banners import banners
from harness.reports.cells import Cell
from harness.reports.charts import charts
from harness.reports.csv_export import to_csv
from harness.reports.estimates import Rate, rate
from harness.reports.headline import answer
from harness.reports.inline import TEMPLATES, asset, inert_json, picture, policy, vega
from harness.reports.leaderboard import Board, leaderboard
from harness.reports.provenance import caveats, provenance
from harness.reports.safety import DELTA, Safety
from harness.results import Results

__all__ = ["render", "write"]


def write(results: Results, folder: Path) -> Path:
    """Write ``index.html`` and ``cells.csv`` to ``folder``, each whole or not at all; return the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / "cells.csv", to_csv(results))
    return _replace(folder / "index.html", render(results))


def _replace(path: Path, text: str) -> Path:
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        # Half a surrogate pair, from a file name say, must not cost the whole report.
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp's file is its owner's alone; a report is for the team.
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def render(results: Results) -> str:
    """Return the page as HTML. Raises `ValueError` as `harness.reports.cells.read_cells` does."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        name: getattr(wording, name)
        for name in ("count", "decimal", "duration", "of", "percent", "share", "verdict", "visible")
    }
    boards = leaderboard(results)
    sections = [_section(number, board) for number, board in enumerate(boards, 1)]
    drawn = any(section["chart"] for section in sections)
    style = asset("page.css")
    scripts = [asset("page.js")] + ([vega(), asset("charts.js")] if drawn else [])
    return environment.get_template("page.html.j2").render(
        experiment=results.experiment,
        sections=sections,
        style=style,
        scripts=scripts,
        policy=policy(style, scripts),
        delta=DELTA,
    )


def _section(number: int, board: Board) -> dict[str, Any]:
    """Return what the template needs of one group."""
    specification = charts(board)
    return {
        "number": number,
        "board": board,
        "alarms": [_alarms(safety) for safety in board.safeties],
        "banners": banners(board),
        "answer": answer(board),
        "chart": None if specification is None else inert_json(specification),
        "picture": None if specification is None else picture(specification),
        "troubles": _troubles(board),
        "provenance": provenance(board),
        "caveats": caveats(board),
    }


def _troubles(board: Board) -> list[dict[str, Any]]:
    """Return the cells that failed, were skipped or collapsed, those of one cause in one row."""
    causes: dict[tuple[str, str, str], list[Cell]] = {}
    for cell in board.cells:
        if not cell.done:
            causes.setdefault((cell.entry, cell.status, cell.reason or "no reason was given"), []).append(cell)
        elif cell.collapsed:
            causes.setdefault((cell.entry, "collapsed", "nearly the same score for every image"), []).append(cell)
    return [
        {
            "entry": entry,
            "what": what,
            "why": why,
            "seeds": sorted({cell.seed for cell in cells}),
            "levels": sorted({cell.density for cell in cells}, reverse=True),
        }
        for (entry, what, why), cells in causes.items()
    ]


def _alarms(safety: Safety) -> tuple[Rate, Rate] | None:
    """Return the false alarms at the safe density and of the dense network: the price of few misses."""
    if safety.density is None:
        return None
    there, dense = rate(safety.at, "fp/sens95"), rate(safety.dense, "fp/sens95")
    return (there, dense) if there and dense else None
