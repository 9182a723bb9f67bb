from dataclasses import replace

import numpy as np
import pytest

from harness.reports.analysis.columns import COLUMNS
from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.charts.curves import GREY, charts, drawn_values, levels_of


def test_a_point_is_a_network_and_a_line_goes_through_their_mean(bench, scores):
    for seed, flops in ((0, 1000.0), (1, 3000.0)):
        bench.done("dense", seed, 1.0, scores(seed=seed), **{"size/flops": 4000.0})
        bench.done("lt", seed, 0.5, scores(seed=seed), **{"size/flops": flops})
    (board,) = leaderboard(bench.results())
    drawn = drawn_values(board.cells)
    assert sorted(drawn[drawn["entry"] == "lt"]["flops"]) == [25.0, 75.0]
    assert set(drawn[drawn["entry"] == "lt"]["mean_flops"]) == {50.0}


def test_what_a_logarithmic_axis_cannot_show_is_not_drawn_there(sized):
    (board,) = leaderboard(sized.results())
    drawn = drawn_values(board.cells)
    assert drawn["flops"].isna().sum() == 3  # two emptied networks and one without a reference
    assert drawn["remaining"].notna().all()


def test_the_dense_mean_and_the_margin_are_rules(bench, scores):
    """Dense finds 30 less 2, 4 and 9 of 30 positives at 30% false alarms, and its AUC is counted pair by pair."""
    labels, aucs = np.arange(70) < 30, []
    for seed, missed in enumerate((2, 4, 9)):
        own = scores(missed, 20, seed=seed)
        bench.done("dense", seed, 1.0, own)
        bench.done("lt", seed, 0.5, scores(20, 20, seed=seed))
        aucs.append(np.mean(own[labels][:, None] > own[~labels]))
    (board,) = leaderboard(bench.results())
    found = {column.name: levels_of(board, column) for column in COLUMNS if column.panel}
    sensitivity = 1 - 15 / 90
    assert found["auc"] == pytest.approx({"dense": np.mean(aucs)})
    assert found["sensitivity"] == pytest.approx(
        {"dense": sensitivity, "dense \N{MINUS SIGN} 10 points": sensitivity - 0.1}
    )
    assert (found["missed"], found["alarms"]) == ({}, {})
    panels = [panel for row in charts(board)["vconcat"] for panel in row["hconcat"]]
    dashes = [
        [layer["mark"].get("strokeDash") for layer in panel["layer"] if layer["mark"]["type"] == "rule"]
        for panel in panels
    ]
    assert dashes == [[[1, 0]], [[1, 0], [5, 4]], [], []]


def test_controls_are_grey_and_points_name_their_fold(bench, scores):
    for fold in (1, 2, 3):
        bench.done("dense", 0, 1.0, scores(seed=fold), fold=fold)
        for entry in ("lt", "random"):
            bench.done(entry, 0, 0.5, scores(seed=fold + 5), fold=fold)
    (board,) = leaderboard(bench.results())
    specification = charts(board)
    layers = specification["vconcat"][0]["hconcat"][0]["layer"]
    points = next(layer for layer in layers if layer["mark"]["type"] == "point")
    colours = points["encoding"]["color"]["scale"]
    grey = [name for name, colour in zip(colours["domain"], colours["range"], strict=True) if colour == GREY]
    assert grey == ["random"]
    assert [one["field"] for one in points["encoding"]["tooltip"]][:3] == ["entry", "fold", "seed"]
    assert sorted(drawn_values(board.cells)["fold"].unique()) == [1, 2, 3]


def test_a_panel_that_nobody_has_values_for_is_left_out(usual):
    """Results from before the deployed cut whose validation scores are lost have none."""
    results = usual.results()
    cells = results.cells.drop(columns=[name for name in results.cells if "deployed" in name])
    older = replace(results, cells=cells, scores=results.scores[results.scores["split"] == "test"])
    (board,) = leaderboard(older)
    panels = [panel for row in charts(board)["vconcat"] for panel in row["hconcat"]]
    assert [panel["layer"][-1]["title"] for panel in panels] == ["AUC-ROC", "Sensitivity at equal false alarms"]
