"""The leaderboard in a terminal: entries by levels, at 80 columns."""

import math
from collections.abc import Mapping, Sequence
from typing import TypeGuard

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.outgoing.visible import visible
from harness.reports.analysis import columns
from harness.reports.analysis.budgets import Budgets, by_budget
from harness.reports.analysis.estimates import Estimate, Rate
from harness.reports.analysis.leaderboard import Board, Row, leaderboard
from harness.reports.analysis.loss_pairs import Effect
from harness.reports.analysis.machine_columns import MachineColumn
from harness.reports.formatting import UNKNOWN, duration, percent, percents, signed, thousands
from harness.reports.words.banners import banners
from harness.reports.words.budgets import NOT_DONE
from harness.reports.words.headline import answer, networks, tells_apart
from harness.reports.words.masked import zeros
from harness.reports.words.provenance import cut_words
from harness.reports.words.troubles import troubles
from harness.reports.words.tuning import aim, changed, value
from harness.reports.words.verdicts import asked, verdict
from harness.results import names
from harness.results.reading import Results
from harness.results.study_record import StudyRecord

LEGEND = "* nobody is shown to be better, ! collapsed."
COST_LEGEND = "steps: in all, compare below one such line; CPU: of the costliest level."
LOSS_LEGEND = "loss: what it alone did to the dense network's AUC, with the 95% interval."
FIRST_LEGEND = "first round's loss: it changes later, so that pruned networks had another."
PROBE_LEGEND = "probe: a logistic regression on the frozen features that training starts from."
TIMES = 6
"""So many networks' times on a machine are named."""
METHODS_NAMED = 3
"""So many methods are named in a line, more are counted."""


def summary(results: Results) -> RenderableType:
    """Return what rich prints: a table per group, its banners above, and below what else a reader must know."""
    parts: list[RenderableType] = []
    boards = leaderboard(results)
    for board in boards:
        parts += [_shown(f"{one.title}: {one.text}", style="bold") for one in banners(board)]
        parts.append(_table(results.experiment, board))
        parts += [_shown(sentence, style="bold" if place == 0 else "") for place, sentence in enumerate(answer(board))]
        parts += [_shown(tells_apart(board)), _shown(asked(board.terms), style="dim")]
        lines = [*_lost(board), *_losses(board), *(("tuned", _line(study)) for study in board.studies)]
        lines += [("measured", _times(board, column)) for column in board.columns if _is_time(column)]
        parts += [_folded(lines)] if lines else []
        parts += [_shown(said, style="dim")] if (said := zeros(board)) else []
    return Group(*parts, *(_shown(legend, style="dim") for legend in _legends(boards)))


def _legends(boards: Sequence[Board]) -> list[str]:
    pairs = [pair for board in boards for pair in board.pairs]
    first = any(pair.loss_changes for pair in pairs)
    probed = any(cell.entry == names.PROBE for board in boards for cell in board.cells)
    shown = ", ".join(column.word for column in columns.COLUMNS if column.word)
    told = {PROBE_LEGEND: probed, LOSS_LEGEND: bool(pairs), FIRST_LEGEND: first}
    return [f"{shown}; {LEGEND}", COST_LEGEND, *(legend for legend, holds in told.items() if holds)]


def _table(experiment: str, board: Board) -> Table:
    cut = cut_words(board.provenance)
    title = ", ".join(part for part in (experiment, cut, networks(board), f"{board.positives} positives") if part)
    table = Table(title=_shown(title), padding=(0, 1, 0, 0), box=None)
    table.add_column("entry", overflow="fold", min_width=12)
    for label in percents([level.density for level in board.levels]):
        table.add_column(label, justify="right", no_wrap=True)
    table.add_column("answer", justify="right", overflow="fold", min_width=9)
    answers = {found.entry: verdict(found) for found in board.verdicts}
    entries = _by_merit(board)
    for group in by_budget(entries, lambda entry: _budgets(entries[entry], board)):
        done = any(row.done for entry in group.members for row in entries[entry].values())
        table.add_row(*_heading(group.budgets) if done else [NOT_DONE.lower()], style="bold")
        for entry in group.members:
            cells = [_cell(entries[entry].get(level.density)) for level in board.levels]
            table.add_row(_titled(entry, entries[entry]), *cells, _shown(answers.get(entry, "")))
        table.add_row()
    return table


def _budgets(rows: Mapping[float, Row], board: Board) -> Budgets:
    found = [rows.get(level.density) for level in board.levels]
    return tuple(None if row is None else row.budget for row in found)


def _heading(budgets: Budgets) -> list[str]:
    return ["steps", *(UNKNOWN if steps is None else thousands(steps) for steps in budgets)]


def _titled(entry: str, rows: Mapping[float, Row]) -> Text:
    """Return the entry over the processor time up to its costliest level; only itself where nothing is done."""
    times = [row.figures["processor_seconds"] for row in rows.values() if row.done]
    known = [time for time in times if isinstance(time, float) and time == time]
    return _shown(entry, *([f"CPU {duration(max(known, default=math.nan))}"] if times else []))


def _folded(lines: Sequence[tuple[str, str]]) -> Table:
    """Return lines of a word and a text; what is too long goes on below its own column."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for word, text in lines:
        grid.add_row(_shown(word), _shown(text))
    return grid


def _lost(board: Board) -> list[tuple[str, str]]:
    """Return why cells gave no network or a disconnected one, entries of one cause together."""
    causes: dict[tuple[str, str], list[str]] = {}
    for trouble in troubles(board.cells):
        what = trouble.what.partition(",")[0]
        if what != "collapsed":  # the table marks it, and it says no more than that
            causes.setdefault((what, trouble.why), []).append(trouble.entry)
    return [
        (what, f"{', '.join(dict.fromkeys(names))}: {why.partition(chr(10))[0]}")
        for (what, why), names in causes.items()
    ]


def _losses(board: Board) -> list[tuple[str, str]]:
    """Return what each loss alone did to the dense network, a line for each such network."""
    alike: dict[tuple[str, Effect | None], list[str]] = {}
    for pair in board.pairs:
        loss = pair.loss + (", first round's loss" if pair.loss_changes else "")
        alike.setdefault((loss, pair.levels[0].effects.get("loss_on_dense")), []).append(pair.plain)
    return [("loss", f"{loss}: {_did(effect)} ({_named(names)})") for (loss, effect), names in alike.items()]


def _did(effect: Effect | None) -> str:
    if effect is None:
        return "not known, dense networks are missing"
    return f"{signed(effect.value)}, {signed(effect.low)} to {signed(effect.high)}"


def _named(names: Sequence[str]) -> str:
    found = list(dict.fromkeys(names))
    return ", ".join(found) if len(found) <= METHODS_NAMED else f"{len(found)} methods"


def _line(study: StudyRecord) -> str:
    trials = f"{study.budget.finished} trial{'s' if study.budget.finished != 1 else ''}"
    return f"{study.entry}: {changed(study, '->')}{_values(study)} ({trials})"


def _is_time(column: columns.Column) -> TypeGuard[MachineColumn]:
    return isinstance(column, MachineColumn) and column.what == names.LATENCY


def _times(board: Board, column: MachineColumn) -> str:
    """Return what networks took on a machine, the fastest few."""
    found = [
        (figure, f"{column.text(figure)} {row.entry} at {percent(level.density)}")
        for level in board.levels
        for row in level.rows
        if isinstance(figure := row.figures[column.name], float) and figure == figure
    ]
    told = [text for _, text in sorted(found)]
    more = len(told) - TIMES
    return f"on {column.machine}: {'; '.join([*told[:TIMES], *([f'{more} more'] if more > 0 else [])])}"


def _values(study: StudyRecord) -> str:
    trials = (study.default_trial, None if study.kept else study.best)
    known = [value(study, trial.value) for trial in trials if trial is not None and trial.value is not None]
    return f", {aim(study)} {' -> '.join(known)}" if known else ""


def _by_merit(board: Board) -> dict[str, dict[float, Row]]:
    """Return each entry's rows by density, the references first, then the smallest safe networks and the highest AUCs.

    An entry that is another's network at a level gets that row.
    """
    entries: dict[str, dict[float, Row]] = {}
    for level in board.levels:
        for row in level.rows:
            for name in (row.entry, *row.alike):
                entries.setdefault(name, {})[level.density] = row
    safe = {found.entry: found.density or 1.0 for found in board.verdicts}

    def merit(name: str) -> tuple[int, float, float, str]:
        aucs = [row.auc.value for density, row in entries[name].items() if row.auc and density < 1]
        return names.place(name), safe.get(name, 1.0), -math.fsum(aucs) / max(len(aucs), 1), name

    return {name: entries[name] for name in sorted(entries, key=merit)}


def _cell(row: Row | None) -> Text:
    if row is None:
        return _shown()
    lines = [_brief(row.figures[column.name], column) for column in columns.COLUMNS if column.word]
    if "" in lines:
        return _shown(*(problem.split()[0] for problem in row.problems), style="red")
    marks = ("*" if row.rank == 1 else "") + ("!" if row.collapsed else "")
    text = _shown(marks + lines[0], *lines[1:])
    if row.done < row.asked:
        text.append(f"\n{row.done} of {row.asked}", style="red")
    if row.collapsed:
        text.stylize("yellow")
    return text


def _shown(*lines: str, style: str = "") -> Text:
    """Return lines as the terminal gets them: the last step of every text, so that none of them commands it."""
    return Text("\n".join(map(visible, lines)), style=style)


def _brief(figure: columns.Figure, column: columns.Column) -> str:
    """Return a figure in a word, an empty text where it is not known."""
    if figure is None:
        return ""
    if isinstance(figure, Estimate):
        return column.text(figure.value)
    return percent(figure.share) if isinstance(figure, Rate) else column.text(figure)
