"""Help as plain text that fits: no word is cut, many options stand under headings, an example is last."""

import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

MANY = 10
"""More options than these stand under headings."""

REST = "Other options"

_WIDEST_NAME = 28
_GAP = 2

Row = tuple[str, str]


class _Plain:
    """What verbs and groups of verbs share: paragraphs and lists whose words stay whole."""

    help: str | None
    epilog: str | None

    def format_help_text(self, _ctx: Any, formatter: Any) -> None:
        """Write what it does."""
        for paragraph in (self.help or "").split("\n\n"):
            formatter.write(f"\n{_filled(paragraph, formatter.width)}\n")

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments, then options, under headings where they are many."""
        parameters = [(one, record) for one in self.get_params(ctx) if (record := one.get_help_record(ctx))]  # type: ignore[attr-defined]
        options = [(one, record) for one, record in parameters if one.param_type_name == "option"]
        arguments = [record for one, record in parameters if one.param_type_name == "argument"]
        headings = {getattr(one, "rich_help_panel", None) or REST: None for one, _ in options[:-1]}  # --help is last
        sections = {"Arguments": arguments} | {heading: [] for heading in [*headings, REST]}
        for one, record in options:
            sections[getattr(one, "rich_help_panel", None) or REST].append(record)
        if len(options) <= MANY:
            sections = {"Arguments": arguments, "Options": [record for _, record in options]}
        _write_sections(sections, formatter)

    def format_epilog(self, _ctx: Any, formatter: Any) -> None:
        """Write the example."""
        if self.epilog:
            formatter.write(f"\n{self.epilog}\n")


class Verb(_Plain, TyperCommand):
    """A verb."""


class Verbs(_Plain, TyperGroup):
    """A group of verbs."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the group's own options, then its verbs, each with the first sentence of its help."""
        super().format_options(ctx, formatter)
        verbs = [(name, _first_sentence(verb.help or "")) for name, verb in self.commands.items() if not verb.hidden]
        _write_sections({"Commands": verbs}, formatter)


def example(line: str) -> str:
    """Return what the help of a verb, or of a group of verbs, ends with."""
    return f"Example:\n  {line}"


def add(group: typer.Typer, verb: Callable[..., None], line: str) -> None:
    """Make a function a verb of a group, by its name, with an example ``line`` that can be typed as it is."""
    group.command(verb.__name__.rstrip("_").replace("_", "-"), cls=Verb, epilog=example(line))(verb)


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.?!])\s", text, maxsplit=1)[0]


def _write_sections(sections: dict[str, list[Row]], formatter: Any) -> None:
    for heading, rows in sections.items():
        if rows:
            formatter.write(f"\n{heading}:\n")
            formatter.write("".join(f"{line}\n" for line in _columns(rows, formatter.width)))


def _columns(rows: Sequence[Row], width: int) -> Iterable[str]:
    """Yield lines of two columns; a name that is too wide for the first has a line of its own."""
    first = min(max(len(name) for name, _ in rows), _WIDEST_NAME) + 2 * _GAP
    for name, text in rows:
        lines = _filled(text, width - first).splitlines() or [""]
        if _GAP + len(name) + _GAP > first:
            yield f"{' ' * _GAP}{name}"
        else:
            yield f"{' ' * _GAP}{name:<{first - _GAP}}{lines.pop(0)}".rstrip()
        yield from (f"{' ' * first}{line}" for line in lines)


def _filled(text: str, width: int) -> str:
    return textwrap.fill(" ".join(text.split()), width, break_long_words=False, break_on_hyphens=False)
