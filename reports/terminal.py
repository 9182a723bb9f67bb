"""The leaderboard in a terminal: entries by levels, at 80 columns."""

import math

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.reports.banners import banners
from harness.reports.leaderboard import Board, Row, leaderboard
from harness.reports.studies import Study
from harness.reports.tuning_words import aim, chosen, value
from harness.reports.wording import of, percent, verdict, visible
from harness.results import Results

__all__ = ["summary"]

LEGEND = "AUC, positives missed at sens95; * best or tied, ! collapsed; safe: smallest safe network."


def summary(results: Results) -> RenderableType:
    """Return what rich prints: a table per group, its banners above and the legend below."""
    parts: list[RenderableType] = []
    for board in leaderboard(results):
        parts += [Text(f"{visible(one.title)}: {visible(one.text)}", style="bold") for one in banners(board)]
        parts.append(_table(results.experiment, board))
        parts += [_tuned(board)] if board.studies else []
    return Group(*parts, Text(LEGEND, style="dim"))


def _table(experiment: str, board: Board) -> Table:
    table = Table(title=Text(f"{visible(experiment)}, {len(board.seeds)} seed(s)"), padding=(0, 1, 0, 0), box=None)
    table.add_column("entry", overflow="fold", min_width=12)
    for level in board.levels:
        table.add_column(percent(level.density), justify="right", no_wrap=True)
    table.add_column("safe", justify="right", overflow="fold", min_width=6)
    safe = {safety.entry: verdict(safety) for safety in board.safeties}
    for entry, rows in _by_entry(board).items():
        cells = [_cell(rows.get(level.density)) for level in board.levels]
        table.add_row(Text(visible(entry)), *cells, Text(_short(safe.get(entry, ""))))
    return table


def _tuned(board: Board) -> Table:
    """Return a line per study; what is too long goes on below its own column."""
    lines = Table.grid(padding=(0, 1, 0, 0))
    lines.add_column(no_wrap=True)
    lines.add_column(overflow="fold")
    for study in board.studies:
        lines.add_row("tuned", Text(_line(study)))
    return lines


def _line(study: Study) -> str:
    trials = study.record["budget"]["finished"]
    return f"{visible(study.entry)}: {chosen(study, '->')}{_values(study)} ({trials} trial{'s' if trials != 1 else ''})"


def _values(study: Study) -> str:
    values = [trial.value for trial in (study.default, None if study.kept else study.best) if trial]
    known = [value(study, number) for number in values if not math.isnan(number)]
    return f", {aim(study)} {' -> '.join(known)}" if known else ""


def _by_entry(board: Board) -> dict[str, dict[float, Row]]:
    """Return each entry's rows by density; an entry that is another's network at a level gets that row."""
    entries: dict[str, dict[float, Row]] = {}
    for level in board.levels:
        for row in level.rows:
            for name in (row.entry, *row.alike):
                entries.setdefault(name, {})[level.density] = row
    return dict(sorted(entries.items(), key=lambda item: (item[0] != "dense", item[0])))


def _cell(row: Row | None) -> Text:
    if row is None:
        return Text("")
    missed = row.rates["fn/sens95"]
    if row.auc is None or missed is None:
        return Text("\n".join(visible(problem.split()[0]) for problem in row.problems), style="red")
    marks = ("*" if row.rank == 1 else "") + ("!" if row.collapsed else "")
    text = Text(f"{marks}{row.auc.value:.3f}\n{of(missed)}")
    if row.done < row.asked:
        text.append(f"\n{row.done} of {row.asked}", style="red")
    if row.collapsed:
        text.stylize("yellow")
    return text


def _short(text: str) -> str:
    return "not decidable" if text.startswith("not decidable") else text
