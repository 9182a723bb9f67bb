"""One self-contained page: everything inlined, nothing loaded, readable without JavaScript."""

from typing import Any

from harness.reports.analysis.leaderboard import Board, leaderboard
from harness.reports.page.assets import REPORT_MARK, Script, looks, policy, script, style, vega, vega_file
from harness.reports.page.parts import parts_of
from harness.reports.page.templating import template
from harness.reports.words.headline import networks
from harness.reports.words.provenance import cut_words
from harness.reports.words.subject import subject
from harness.results.reading import Results

SCRIPTS = ("header", "sorting", "leaderboard")
"""The scripts of every page, in order; charts have theirs beside."""


def render(results: Results, place: str, site: str | None = None) -> str:
    """Return the page as HTML. Raises `ValueError` as `harness.reports.analysis.outcomes.read_outcomes` does.

    ``place`` are the lines under the title, by `harness.reports.publishing.page_header`. ``site`` is the way from the
    page to the folder that holds Vega's script for all pages, such as ``../../``; None: it is inside.
    """
    sections = [_section(number, board) for number, board in enumerate(leaderboard(results), 1)]
    drawn = any(
        part.values.get("figures") or part.values.get("chart") for section in sections for part in section["parts"]
    )
    styles, early = style(), Script(script("theme"))
    scripts = [Script(script(name)) for name in SCRIPTS]
    if drawn:
        charts = Script(vega()) if site is None else Script(source=f"{site}{vega_file()}")
        scripts += [charts, Script(script("charts"))]
    return template("page.html.j2").render(
        experiment=results.experiment,
        generator=f"{REPORT_MARK} {looks()}",
        place=place,
        sections=sections,
        style=styles,
        early=early,
        scripts=scripts,
        policy=policy(styles, [early, *scripts]),
    )


def _section(number: int, board: Board) -> dict[str, Any]:
    """Return what the template needs of one group."""
    return {
        "number": number,
        "board": board,
        "subject": subject(board),
        "networks": networks(board),
        "cut": cut_words(board.provenance),
        "parts": parts_of(board),
    }
