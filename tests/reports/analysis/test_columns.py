"""One line in the list of columns shows a metric on the page, in the terminal, as an axis and in results.json."""

import io
from html import unescape

import pytest
from rich.console import Console

from harness.reports.analysis import columns
from harness.reports.analysis.columns import COLUMNS, Axis, Column, DeployedColumn, metric
from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.charts.networks import networks
from harness.reports.export.results_json import document
from harness.reports.page import figures, page
from harness.reports.terminal import summary


@pytest.fixture
def measured(bench, scores):
    """One entry with a metric that nothing shows: 0.25 and 0.75 in two seeds, unknown of the dense networks."""
    for seed in (0, 1):
        bench.done("dense", seed, 1.0, scores(seed=seed))
        bench.done("lt", seed, 0.5, scores(seed=seed), **{"test/f1": 0.25 + 0.5 * seed})
    return bench.results()


@pytest.fixture
def show(monkeypatch):
    def shown(*more):
        monkeypatch.setattr(columns, "COLUMNS", (*COLUMNS, *more))
        leaderboard.cache_clear()

    yield shown
    leaderboard.cache_clear()


def on_page(results, monkeypatch):
    """Return the page without its charts, which are shown by `drawn`."""
    with monkeypatch.context() as patch:
        patch.setattr(figures, "figures", lambda *_, **__: [])
        return unescape(page.render(results, ""))


def in_terminal(results):
    stream = io.StringIO()
    Console(file=stream, width=80, color_system=None).print(summary(results))
    return stream.getvalue()


def drawn(results):
    """Return the titles that the trade-offs offer, and what each network of lt is drawn at."""
    (board,) = leaderboard(results)
    found = networks(board).specification
    titles = {one["name"]: one["bind"]["labels"] for one in found["params"] if one["name"] in ("up", "across")}
    return titles, {row["entry"]: row for row in found["data"]["values"]}["lt"]


def in_json(results):
    (group,) = document(results)["groups"]
    return {row["entry"]: row for level in group["levels"] for row in level["rows"]}


def test_a_metric_is_shown_by_one_line(measured, show, monkeypatch):
    before, _ = drawn(measured)
    assert "F1 at odds" not in on_page(measured, monkeypatch)
    assert "F1" not in in_terminal(measured)
    assert "f1" not in in_json(measured)["lt"]
    axis = Axis("1 - F1", "error", rest=True)
    show(Column("f1", "F1 at odds", metric("test/f1"), "{:.2f} of 1".format, word="F1", axis=axis))
    assert "F1 at odds</th>" in on_page(measured, monkeypatch)
    assert '<td class="number v-ranking" data-sort="0.5">0.50 of 1</td>' in on_page(measured, monkeypatch)
    assert "0.50 of 1" in in_terminal(measured)
    assert "AUC, sensitivity at equal false alarms, false alarms deployed, F1;" in " ".join(
        in_terminal(measured).split()
    )
    titles, values = drawn(measured)
    assert titles == before | {"up": [*before["up"], "1 - F1"]}
    assert values["f1"] == [0.75, 0.25]
    assert in_json(measured)["lt"]["f1"] == 0.5
    assert in_json(measured)["dense"]["f1"] is None


def test_a_column_is_shown_only_where_it_is_asked_to_be(measured, show, monkeypatch):
    page_before, terminal_before, drawn_before = on_page(measured, monkeypatch), in_terminal(measured), drawn(measured)
    show(Column("f1", "", metric("test/f1")))
    assert (on_page(measured, monkeypatch), in_terminal(measured)) == (page_before, terminal_before)
    assert drawn(measured) == drawn_before
    assert in_json(measured)["lt"]["f1"] == 0.5


def test_a_count_is_shown_as_a_rate_and_a_mean_with_its_note(measured, show, monkeypatch):
    note = Column("f1", "", metric("test/f1"), "f1 {:.1f}".format)
    noted = Column("noted", "Noted", metric("test/f1"), note=note)
    show(
        DeployedColumn("fn95", "FNR sens95", columns.tested("fn/sens95"), errors="fn/sens95", word="sens95"),
        noted,
        note,
    )
    rate = in_json(measured)["lt"]["fn95"]
    assert (rate["n"], rate["share"]) == (30, rate["k"] / 30)
    found = on_page(measured, monkeypatch)
    assert f"{100 * rate['share']:.3g}%" in in_terminal(measured)
    assert "FNR sens95</th>" in found
    assert f"{rate['k']:g}/30" in found
    assert found.count('<small class="interval">f1 0.5</small>') == 1  # of the dense networks it is not known


def test_sensitivity_at_equal_alarms_stands_beside_auc_and_both_errors_at_the_deployed_cut():
    told = [column.name for column in COLUMNS if column.word]
    errors = [column.name for column in COLUMNS if column.axis and column.axis.kind == "error"]
    assert (told, errors) == (["auc", "sensitivity", "alarms"], ["auc", "sensitivity", "missed", "alarms"])
    assert not {"accuracy", "ece", "sens95"} & {column.name for column in COLUMNS}


def test_every_column_has_a_name_of_its_own():
    names = [column.name for column in COLUMNS]
    assert len(set(names)) == len(names)
    assert {column.note for column in COLUMNS} - {None} <= set(COLUMNS)


def test_the_page_shows_what_a_network_took_and_which_step_was_kept(budgeted, monkeypatch):
    found = on_page(budgeted.results(), monkeypatch)
    assert "Steps</th>" in found
    assert "CPU time</th>" in found
    assert ">Time</th>" not in found
    assert (
        '<td class="number v-size-and-cost" data-sort="580.0">580<small class="interval">kept 126</small></td>' in found
    )
    assert '<td class="number v-size-and-cost" data-sort="90.0">90 s</td>' in found


def test_what_older_results_did_not_count_is_unknown(usual, monkeypatch):
    found = on_page(usual.results(), monkeypatch).partition("<h2>Leaderboard")[2]
    assert ">kept" not in found
    assert "nan<" not in found
    unknown = '<td class="number v-size-and-cost" data-sort="">\N{EN DASH}</td>'
    assert found.count(unknown) == 2 * 5  # steps and time of four rows, and of dense above them
    row = in_json(usual.results())["lt"]
    assert [row[name] for name in ("budget", "steps", "processor_seconds", "kept_step", "kept_epoch")] == [None] * 5
    assert row["seconds"] == 60
