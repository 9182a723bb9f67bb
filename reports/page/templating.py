"""Templates, with everything escaped and the words that all pages share."""

from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from harness.reports.formatting import count, decimal, duration, percent, share, signed, visible
from harness.reports.page.assets import TEMPLATES
from harness.reports.words.budgets import heading
from harness.reports.words.verdicts import of, verdict

FILTERS = (count, decimal, duration, heading, of, percent, share, signed, verdict, visible)


def template(name: str) -> Template:
    """Return one of our templates."""
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {format_.__name__: format_ for format_ in FILTERS}
    return environment
