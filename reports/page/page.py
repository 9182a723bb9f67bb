"""One self-contained page: everything inlined, nothing loaded, readable without JavaScript."""

from typing import Any

from harness.reports.analysis import columns
from harness.reports.analysis.layers import layers_of
from harness.reports.analysis.leaderboard import Board, leaderboard
from harness.reports.formatting import listed
from harness.reports.page.assets import REPORT_MARK, asset, inert_json, looks, picture, policy, vega
from harness.reports.page.charts import charts
from harness.reports.page.templating import template
from harness.reports.page.tuning_section import tuning
from harness.reports.words.banners import banners
from harness.reports.words.headline import answer, networks, tells_apart
from harness.reports.words.provenance import caveats, cut_words, provenance
from harness.reports.words.troubles import troubles
from harness.reports.words.verdicts import asked
from harness.results import names
from harness.results.reading import Results


def render(results: Results, place: str) -> str:
    """Return the page as HTML. Raises `ValueError` as `harness.reports.analysis.outcomes.read_outcomes` does.

    ``place`` are the lines under the title, by `harness.reports.publishing.page_header`.
    """
    boards = leaderboard(results)
    sections = [_section(number, board) for number, board in enumerate(boards, 1)]
    drawn = any(section["chart"] for section in sections)
    style = asset("page.css")
    scripts = [asset("page.js")] + ([vega(), asset("charts.js")] if drawn else [])
    return template("page.html.j2").render(
        experiment=results.experiment,
        generator=f"{REPORT_MARK} {looks()}",
        place=place,
        sections=sections,
        style=style,
        scripts=scripts,
        policy=policy(style, scripts),
        probe=names.PROBE,
        columns=[column for column in columns.COLUMNS if column.title],
        drawn=listed([column.panel.word for column in columns.COLUMNS if column.panel]),
    )


def _section(number: int, board: Board) -> dict[str, Any]:
    """Return what the template needs of one group."""
    specification = charts(board)
    return {
        "number": number,
        "board": board,
        "steps": sorted({step.density for found in board.verdicts for step in found.steps}, reverse=True),
        "tells_apart": tells_apart(board),
        "asked": asked(board.terms),
        "banners": banners(board),
        "cut": cut_words(board.provenance),
        "networks": networks(board),
        "answer": answer(board),
        "chart": None if specification is None else inert_json(specification),
        "picture": None if specification is None else picture(specification),
        "tuning": _tuning(board),
        "switched": specification is not None and "params" in specification,
        "layers": layers_of(board.cells),
        "troubles": troubles(board.cells),
        "provenance": provenance(board),
        "caveats": caveats(board),
    }


def _tuning(board: Board) -> dict[str, Any] | None:
    """Return the group's studies with their charts drawn, None without any."""
    shown = tuning(board)
    if shown is None:
        return None
    return {**shown, "histories": [(one, one.chart and picture(one.chart)) for one in shown["histories"]]}
