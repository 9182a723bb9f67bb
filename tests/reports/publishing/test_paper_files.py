"""`harness report --figures --tables`: what is written where, asked for as a user does."""

import csv
import re

import pytest
from typer.testing import CliRunner

from harness.cli.main import app
from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.charts.every import every_chart
from harness.reports.export.formats import TableFormat
from harness.reports.export.tables import tables
from harness.reports.page import figures, page
from harness.reports.publishing.paper_files import write_paper_files
from harness.results import reading


@pytest.fixture
def report(usual, tmp_path, monkeypatch):
    """Return a function that runs the verb on results of the group ``g``, without the page's own charts."""
    (tmp_path / "mlflow.db").touch()
    monkeypatch.setattr(reading, "read", lambda *_: usual.results(dataset="spots"))
    monkeypatch.setattr(page, "vega", lambda: "")
    monkeypatch.setattr(figures, "figures", lambda *_, **__: [])

    def run(*more):
        asked = ["report", "--dataset", "spots", "--store", str(tmp_path), "--output", str(tmp_path / "out"), *more]
        return CliRunner().invoke(app, asked), tmp_path / "out"

    return run


def test_every_figure_and_table_is_a_file_named_by_what_it_shows(report, usual):
    result, folder = report("--figures", "svg", "--tables", "markdown", "--tables", "csv")
    assert result.exit_code == 0, result.output
    (board,) = leaderboard(usual.results())
    charts, wanted = [chart.name for chart in every_chart(board)], [table.name for table in tables(board)]
    assert charts == [
        *("difference-sensitivity", "difference-auc", "trade-offs", "networks", "roc", "calibration"),
        "decision-curves",
    ]
    found = {path.name for path in (folder / "figures" / "g").iterdir()}
    assert found == {"captions.txt", *(f"{name}{size}.svg" for name in charts for size in ("", "-column"))}
    found = {path.name for path in (folder / "tables" / "g").iterdir()}
    assert found == {f"{name}.{ending}" for name in wanted for ending in ("md", "csv")}
    captions = (folder / "figures" / "g" / "captions.txt").read_text()
    assert re.findall(r"^([a-z-]+): [A-Z1]", captions, re.MULTILINE) == charts
    rows = list(csv.DictReader((folder / "tables" / "g" / "leaderboard-50-percent.csv").read_text().splitlines()))
    assert {row["Entry"] for row in rows} == {"lt", "random", "snip"}
    assert "figures/g" in result.output.replace("\n", "")


def test_without_being_asked_nothing_of_this_is_written(report):
    result, folder = report()
    assert result.exit_code == 0, result.output
    assert not (folder / "figures").exists()
    assert not (folder / "tables").exists()


def test_another_format_is_refused_with_those_that_there_are(report):
    result, folder = report("--figures", "gif")
    assert result.exit_code == 2
    assert all(kind in result.output for kind in ("svg", "pdf", "png"))
    assert not folder.exists()


def test_a_group_of_any_name_stays_in_its_folder(make, tmp_path, monkeypatch):
    results = make(seeds=(0,), entries=("lt",), group="../../evil")
    write_paper_files(results, tmp_path / "out", [], [TableFormat.CSV])
    assert {path.name for path in tmp_path.iterdir()} == {"out"}
    (group,) = (tmp_path / "out" / "tables").iterdir()
    assert re.fullmatch(r"evil--\w{12}", group.name)
