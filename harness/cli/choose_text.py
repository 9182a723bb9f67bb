"""What a choice says, for a person, at 80 columns."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.outgoing.visible import visible
from harness.reports.analysis.boards import Subject
from harness.reports.analysis.choosing import Choice, Decision
from harness.reports.words.choice import binding, decision, terms
from harness.reports.words.choice_table import shown_axes, table
from harness.reports.words.headline import controls
from harness.reports.words.verdicts import asked

_STYLE = {Decision.CHOSEN: "bold green", Decision.NONE: "bold red", Decision.UNDECIDED: "bold yellow"}
_HOME = "Take it home:"
_RUN = "This run would decide (of paths in it the last names are known):"


def choose_text(found: Choice, subject: Subject, commands: Sequence[str]) -> list[RenderableType]:
    """Return what is printed of a choice among the networks of one board; commands are texts, each in one line."""
    first, *rest = decision(found)
    passing = [_shown(sentence, "yellow") for sentence in controls(found.controls)]
    parts: list[RenderableType] = [*passing, _shown(first, _STYLE[found.decision]), *map(_shown, rest)]
    if lines := binding(found):
        parts += ["", _shown("One thing moved, the others as they are:"), *(_shown(f"  {line}") for line in lines)]
    word = _HOME if found.ships or found.hopeful else _RUN
    run = ["", word, *(f"  {line}" for line in commands)] if commands else []
    judged = asked(terms(found)).partition(". ")[0]
    warned = "SIMULATED DATA: no real image is behind this."
    simulated = [_shown(warned, "bold red")] if subject.facts.get("simulated") else []
    return [Group(*simulated, *parts), *run, Group("", _table(found), _shown(f"{judged}. !: over a limit.", "dim"))]


def _table(found: Choice) -> Table:
    rows = Table(padding=(0, 1, 0, 0), box=None)
    rows.add_column("entry", overflow="fold", min_width=12)
    for title in ("left", *shown_axes(found)):
        rows.add_column(str(title), justify="right", no_wrap=True)
    rows.add_column("answer", overflow="fold", min_width=9)
    for row in table(found):
        rows.add_row(*map(_shown, row))
    return rows


def _shown(text: str, style: str = "") -> Text:
    return Text(visible(text), style=style)
