"""Every figure and table of a report as files for a paper, in ``figures/GROUP`` and ``tables/GROUP`` of its folder."""

from collections.abc import Sequence
from pathlib import Path

from harness.reports.analysis.leaderboard import Board, leaderboard
from harness.reports.charts.every import every_chart
from harness.reports.export.figure_files import figure_files
from harness.reports.export.formats import FigureFormat, TableFormat
from harness.reports.export.table_writers import ENDINGS, written
from harness.reports.export.tables import tables
from harness.reports.formatting import encoded, shown
from harness.reports.publishing.slugs import slug
from harness.results.reading import Results
from harness.storage.disk import write_whole


def write_paper_files(
    results: Results, folder: Path, figures: Sequence[FigureFormat], kinds: Sequence[TableFormat]
) -> list[Path]:
    """Write the figures and tables that are asked for; return the folders that hold them. Raises as `leaderboard`."""
    found = []
    for board in leaderboard(results) if figures or kinds else []:
        if figures:
            found.append(_write_figures(board, folder / "figures" / slug(board.group), figures))
        if kinds:
            found.append(_write_tables(board, folder / "tables" / slug(board.group), kinds))
    return found


def _write_figures(board: Board, folder: Path, kinds: Sequence[FigureFormat]) -> Path:
    """Write each chart, and what to write below it: a file has no title of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    charts = every_chart(board)
    for chart in charts:
        for kind in dict.fromkeys(kinds):
            for name, content in figure_files(chart, kind):
                write_whole(folder / name, content)
    captions = [shown(f"{chart.name}: {chart.title}. {chart.caption}") for chart in charts]
    write_whole(folder / "captions.txt", encoded("\n\n".join(captions) + "\n"))
    return folder


def _write_tables(board: Board, folder: Path, kinds: Sequence[TableFormat]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for table in tables(board):
        for kind in dict.fromkeys(kinds):
            write_whole(folder / f"{table.name}.{ENDINGS[kind]}", encoded(written(table, kind)))
    return folder
