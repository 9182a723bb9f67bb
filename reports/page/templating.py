"""Templates, in which everything is made visible and escaped by the last step, and the words that all pages share."""

from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from harness.reports.formatting import count, decimal, duration, percent, percents, points, share, shown, signed
from harness.reports.page.assets import TEMPLATES
from harness.reports.words.budgets import heading
from harness.reports.words.lost import what_is_lost, whose
from harness.reports.words.verdict_table import among, at_level, deciding, deployed, lost
from harness.reports.words.verdicts import brief, of, verdict, why


def lines(text: str) -> Markup:
    """Return a text of several lines, each as it is shown."""
    return Markup("\n").join(escape(shown(line)) for line in text.split("\n"))


FILTERS = (
    *(among, at_level, brief, count, deciding, decimal, deployed, duration, heading, lines, lost, of, percent),
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
