"""Templates, in which everything is made visible and escaped by the last step, and the words that all pages share."""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from harness.reports.analysis.leaderboard import Row
from harness.reports.formatting import count, decimal, duration, percent, percents, points, share, shown, signed
from harness.reports.page.assets import TEMPLATES
from harness.reports.page.ranges import interval_of
from harness.reports.words.budgets import heading
from harness.reports.words.lost import what_is_lost, whose
from harness.reports.words.verdict_table import among, at_level, deciding, deployed, kind, lost
from harness.reports.words.verdicts import brief, of, verdict, why
from harness.results.names import DENSE

BREAK = re.compile(r"[\[\]=,_/]|-(?=\w)")


def lines(text: str) -> Markup:
    """Return a text of several lines, each as it is shown."""
    return Markup("\n").join(escape(shown(line)) for line in text.split("\n"))


def breakable(text: str) -> Markup:
    """Return an entry's name as it is shown, which a line may end within after a sign, and nowhere in a word."""
    return Markup("<wbr>").join(BREAK.sub("\\g<0>\n", shown(text)).split("\n"))  # no line end is left in what is shown


def dense_first(rows: Iterable[Row]) -> list[Row]:
    """Return the rows of a heading with the dense network, which all are held against, above the others."""
    return sorted(rows, key=lambda row: row.entry != DENSE)


FILTERS = (
    *(among, at_level, breakable, brief, count, deciding, decimal, dense_first, deployed, duration, heading),
    *(interval_of, kind, lines, lost, of, percent),
    *(percents, points, share, signed, verdict, what_is_lost, whose, why),
)


def template(name: str) -> Template:
    """Return one of our templates."""
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_last_step,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {format_.__name__: format_ for format_ in FILTERS}
    return environment


def _last_step(value: Any) -> Any:
    """Return what an expression of a template puts into the page, before it is escaped; markup is our own."""
    return shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value
