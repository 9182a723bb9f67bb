"""The tables of a page, each defined here once."""

import math

from harness.evaluation.contrasts import Contrast
from harness.reports.analysis import columns
from harness.reports.analysis.design import Design, entries_of
from harness.reports.analysis.estimates import Estimate, Rate, calibration
from harness.reports.analysis.layers import layers_of
from harness.reports.analysis.leaderboard import Board, Level
from harness.reports.export.table import Cell, Figure, Head, Table
from harness.reports.formatting import UNKNOWN, percent, percents, points, share, signed
from harness.reports.words.methods import method_card
from harness.reports.words.verdict_table import at_level
from harness.reports.words.verdicts import verdict, why


def tables(board: Board) -> list[Table]:
    """Return the tables of a board that have a row, in the page's order."""
    names = percents([level.density for level in board.levels])
    found = [
        _answers(board),
        _steps(board),
        *(
            _level(board, level, name, view)
            for level, name in zip(board.levels, names, strict=True)
            for view in columns.VIEWS
        ),
        _lost(board),
        _calibration(board),
        _loss_pairs(board),
        _layers(board),
        _methods(board),
    ]
    return [table for table in found if table.rows]


def _interval(board: Board) -> str:
    """Return what the intervals are over."""
    if board.design.anecdote:
        return "95% intervals of these networks, over test images"
    return f"95% intervals over {'folds' if board.design.folded else 'networks and test images'}"


def _level(board: Board, level: Level, name: str, view: columns.View) -> Table:
    """Return a level with one choice of columns: all of them fit on no paper."""
    shown = [column for column in board.columns if column.title and column.view == view]
    choice = "" if view == columns.VIEWS[0] else f"-{view.replace(' ', '-')}"
    rows = [
        (
            "" if row.rank is None else row.rank,
            row.letters,
            row.entry,
            row.loss,
            *(_figure(row.figures[column.name]) for column in shown),
            f"{row.done}/{row.asked}",
        )
        for row in level.rows
    ]
    return Table(
        f"leaderboard-{name.rstrip('%')}-percent{choice}",
        f"{name} of the weights: means over networks, {_interval(board)}. Who shares a letter is not told apart.",
        (*map(Head, ("Rank", "Ties", "Entry", "Loss")), *map(_head, shown), Head("Networks")),
        tuple(rows),
    )


def _head(column: columns.Column) -> Head:
    text = share if column.kind == "rate" else column.text
    return Head(column.title.replace("\N{SOFT HYPHEN}", ""), text, interval=column.kind != "mean")


def _figure(found: columns.Figure) -> Figure:
    if isinstance(found, Estimate):
        return Figure(found.value, *(found.method or found.these))
    if isinstance(found, Rate):
        return Figure(found.share, found.low, found.high)
    return Figure(math.nan if found is None else found)


def _answers(board: Board) -> Table:
    """Return the safety map: the answers of each entry in words."""
    levels = sorted({step.density for one in board.verdicts for step in one.steps}, reverse=True)
    rows = []
    for one in board.verdicts:
        said = {step.density: at_level(one, step) for step in one.steps}
        rows.append((one.entry, verdict(one), *(said.get(level, UNKNOWN) for level in levels)))
    loss, alarms = points(board.terms.delta), percent(board.terms.fpr)
    return Table(
        "safety-map",
        f"How small a network may get: at {alarms} false alarms a loss of {loss} of the positives is too large.",
        (*map(Head, ("Entry", "Answer", *percents(levels))),),
        tuple(rows),
    )


def _steps(board: Board) -> Table:
    """Return each entry and level with what it lost against dense, and why it has its answer."""
    rows = [
        (
            one.entry,
            percent(step.density),
            at_level(one, step),
            _contrast(step.judgement.loss if step.judgement else None, board.design),
            _contrast(step.auc, board.design),
            why(step, one.terms),
        )
        for one in board.verdicts
        for step in one.steps
    ]
    heads = (
        *(Head("Entry"), Head("Weights"), Head("Answer")),
        *(Head("Positives lost", points, interval=True), Head("AUC, pruned less dense", signed, interval=True)),
        Head("Why"),
    )
    caption = (
        f"Answers level by level, with {_interval(board)}; positives lost at equal false alarms, dense less pruned."
    )
    return Table("answers", caption, heads, tuple(rows))


def _contrast(found: Contrast | None, design: Design) -> Figure:
    if found is None:
        return Figure(math.nan)
    return Figure(found.value, *(found.of_these_networks if design.anecdote else found).interval())


def _lost(board: Board) -> Table:
    rows = [
        (
            percent(level.density),
            image.identity,
            len(image.entries),
            f"{image.dense_missed}/{image.dense_networks}",
            "; ".join(image.entries),
        )
        for level in board.lost
        for image in level.images
    ]
    heads = tuple(map(Head, ("Weights", "Image", "Entries that miss it", "Dense networks that miss it", "Missed by")))
    return Table("lost", "Positives that most networks of an entry miss at equal false alarms.", heads, tuple(rows))


def _calibration(board: Board) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for level in board.levels:
        done = entries_of(cell for cell in board.cells if cell.done and cell.density == level.density)
        for row in level.rows:
            if found := calibration(done.get(row.entry, [])):
                rows.append((row.entry, percent(level.density), *map(_figure, found)))
    two = "{:.2f}".format
    heads = (Head("Entry"), Head("Weights"), Head("Slope", two, interval=True), Head("Offset", two, interval=True))
    return Table("calibration", f"Calibration slopes and offsets with {_interval(board)}.", heads, tuple(rows))


_EFFECTS = {
    "loss_on_dense": "The loss did, dense",
    "loss_on_pruned": "The loss did, pruned",
    "pruning_under_plain": "Pruning did, plain loss",
    "pruning_under_other": "Pruning did, other loss",
    "interaction": "Interaction",
}


def _loss_pairs(board: Board) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for pair in board.pairs:
        for level in pair.levels:
            found = [level.effects.get(name) for name in _EFFECTS]
            effects = [Figure(math.nan) if one is None else Figure(one.value, one.low, one.high) for one in found]
            rows.append((pair.plain, pair.other, pair.loss, percent(level.density), *effects))
    heads = (
        *map(Head, ("Plain loss", "Other loss", "Loss", "Weights")),
        *(Head(title, signed, interval=True) for title in _EFFECTS.values()),
    )
    caption = f"Differences of mean AUC with {_interval(board)}: what the loss did, and what the pruning did."
    return Table("loss-pairs", caption, heads, tuple(rows))


def _layers(board: Board) -> Table:
    table = layers_of(board.cells)
    rows: list[tuple[Cell, ...]] = [
        (entry, row.name, *(Figure(math.nan if cell is None else cell.left) for cell in row.cells))
        for entry, layers in table.entries
        for row in layers
    ]
    heads = (Head("Entry"), Head("Layer"), *(Head(name, percent) for name in percents(table.levels)))
    return Table("layers", "The share of each layer's weights that is left, mean over networks.", heads, tuple(rows))


def _methods(board: Board) -> Table:
    rows = []
    for card in map(method_card, board.methods):
        facts = dict(card.facts)
        told = [facts.get(label, "") for label in ("Paper", "Version", "Author", "Code")]
        rows.append((card.name, card.family, card.description, *told, "; ".join(card.entries)))
    titles = ("Method", "Family", "Description", "Paper", "Version", "Author", "Code", "Entries")
    return Table("methods", "The methods of this comparison.", tuple(map(Head, titles)), tuple(rows))
