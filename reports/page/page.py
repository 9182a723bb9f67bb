"""One self-contained page: everything inlined, nothing loaded, readable without JavaScript."""

from typing import Any

from harness.reports.analysis.leaderboard import Board, leaderboard
from harness.reports.page.assets import REPORT_MARK, looks, policy, script, style, vega
from harness.reports.page.parts import parts_of
from harness.reports.page.templating import template
from harness.reports.words.headline import networks
from harness.reports.words.provenance import cut_words
from harness.results.reading import Results


def render(results: Results, place: str) -> str:
    """Return the page as HTML. Raises `ValueError` as `harness.reports.analysis.outcomes.read_outcomes` does.

    ``place`` are the lines under the title, by `harness.reports.publishing.page_header`.
    """
    sections = [_section(number, board) for number, board in enumerate(leaderboard(results), 1)]
    drawn = any(part.values.get("figures") for section in sections for part in section["parts"])
    styles, scripts = style(), [script("table")] + ([vega(), script("charts")] if drawn else [])
    return template("page.html.j2").render(
        experiment=results.experiment,
        generator=f"{REPORT_MARK} {looks()}",
        place=place,
        sections=sections,
        style=styles,
        scripts=scripts,
        policy=policy(styles, scripts),
    )


def _section(number: int, board: Board) -> dict[str, Any]:
    """Return what the template needs of one group."""
    return {
        "number": number,
        "board": board,
        "networks": networks(board),
        "cut": cut_words(board.provenance),
        "parts": parts_of(board),
    }
