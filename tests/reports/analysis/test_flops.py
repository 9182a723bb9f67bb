import csv
import io
import json
import math

import pytest

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.export.csv_export import to_csv
from harness.reports.export.results_json import document, to_json
from harness.reports.page.charts import charts, drawn_values


@pytest.fixture
def sized(bench, scores):
    """Two seeds whose dense networks differ in FLOPs, one whose dense network failed, and an emptied network."""
    for seed, dense in ((0, 4000.0), (1, 8000.0)):
        bench.done("dense", seed, 1.0, scores(seed=seed), **{"size/flops": dense})
        bench.done("lt", seed, 0.5, scores(seed=seed), **{"size/flops": 1000.0})
        bench.done("lt", seed, 0.25, scores(seed=seed), **{"size/flops": 0.0})
    bench.missing("dense", 2, 1.0, "failed", "out of patience")
    bench.done("lt", 2, 0.5, scores(seed=2), **{"size/flops": 1000.0})
    return bench


WANTED = {(0, 0.5): 0.25, (1, 0.5): 0.125, (0, 0.25): 0.0, (1, 0.25): 0.0, (2, 0.5): None}


def test_shares_are_of_the_dense_network_of_the_same_seed(sized):
    results = sized.results()
    (board,) = leaderboard(results)
    cells = {(cell.seed, cell.density): cell.flops_left for cell in board.cells if cell.entry == "lt"}
    assert {key: None if math.isnan(left) else left for key, left in cells.items()} == WANTED
    own = [cell for cell in json.loads(to_json(document(results)))["cells"] if cell["entry"] == "lt"]
    assert {(cell["seed"], cell["density"]): cell["flops_left"] for cell in own} == WANTED
    assert not any("flops_left" in cell["metrics"] for cell in own)
    written = [row for row in csv.DictReader(io.StringIO(to_csv(results))) if row["entry"] == "lt"]
    told = {(int(row["seed"]), float(row["density"])): row["flops_left"] for row in written}
    assert {key: float(text) if text else None for key, text in told.items()} == WANTED


def test_another_group_has_its_own_dense_network(bench, scores):
    for group, dense in (("a", 4000.0), ("b", 2000.0)):
        bench.done("dense", 0, 1.0, scores(), group=group, **{"size/flops": dense})
        bench.done("lt", 0, 0.5, scores(), group=group, **{"size/flops": 1000.0})
    boards = leaderboard(bench.results())
    assert [board.levels[1].rows[0].figures["flops_left"] for board in boards] == [0.25, 0.5]


def test_a_row_has_the_mean_of_its_seeds(bench, scores):
    for seed, flops in ((0, 1000.0), (1, 3000.0)):
        bench.done("dense", seed, 1.0, scores(seed=seed), **{"size/flops": 4000.0})
        bench.done("lt", seed, 0.5, scores(seed=seed), **{"size/flops": flops})
    (board,) = leaderboard(bench.results())
    assert board.levels[1].rows[0].figures["flops_left"] == 0.5
    drawn = drawn_values(board.cells)
    assert sorted(drawn[drawn["entry"] == "lt"]["flops"]) == [25.0, 75.0]
    assert set(drawn[drawn["entry"] == "lt"]["mean_flops"]) == {50.0}


def test_what_a_logarithmic_axis_cannot_show_is_not_drawn_there(sized):
    (board,) = leaderboard(sized.results())
    drawn = drawn_values(board.cells)
    assert drawn["flops"].isna().sum() == 3  # two emptied networks and one without a reference
    assert drawn["remaining"].notna().all()


def switched(specification, value):
    """Return the panels as SVG with the switch in one position."""
    import vl_convert

    (switch,) = [one for one in specification["params"] if one["name"] == "against"]
    assert switch["bind"]["input"] == "radio"
    switch["value"] = value
    return str(vl_convert.vegalite_to_svg(specification))


def test_the_axis_is_remaining_weights_until_a_reader_switches(sized):
    (board,) = leaderboard(sized.results())
    specification = charts(board)
    assert next(one["value"] for one in specification["params"] if one["name"] == "against") == "weights"
    weights, flops = (switched(specification, value) for value in ("weights", "flops"))
    assert (weights.count(">remaining weights (%)<"), weights.count(">FLOPs left")) == (4, 0)
    assert (flops.count(">remaining weights (%)<"), flops.count(">FLOPs left")) == (0, 4)
    assert ">12.5<" in flops
    assert ">12.5<" not in weights


def test_without_known_flops_there_is_no_switch(sized):
    for row in sized.rows:
        row.pop("size/flops", None)
    (board,) = leaderboard(sized.results())
    specification = charts(board)
    assert "against" not in json.dumps(specification)
    assert all(math.isnan(row.figures["flops_left"]) for level in board.levels for row in level.rows)
