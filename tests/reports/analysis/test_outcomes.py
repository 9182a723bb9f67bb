import csv
import io
import json
import math
from dataclasses import replace

import pandas as pd
import pytest

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.analysis.outcomes import absent, read_outcomes
from harness.reports.export.csv_export import to_csv
from harness.reports.export.results_json import document, to_json

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


def test_what_cannot_be_compared_is_refused(usual):
    results = usual.results()
    results.scores.loc[0, "id"] = "another image"
    with pytest.raises(ValueError, match="different test images"):
        leaderboard(results)
    usual.rows.append(usual.rows[0])
    with pytest.raises(ValueError, match="twice"):
        leaderboard(usual.results())


def test_a_cell_that_is_done_needs_scores_and_a_group_its_provenance(usual):
    results = usual.results()
    with pytest.raises(ValueError, match=r"snip, seed 0, density 0\.5: no test scores"):
        read_outcomes(replace(results, scores=results.scores[results.scores["entry"] != "snip"]))
    with pytest.raises(ValueError, match=r"no provenance for the groups \['g'\]"):
        read_outcomes(replace(results, groups={}))


def test_scores_are_those_of_the_test_split_in_the_order_of_the_images(bench, scores):
    bench.done("lt", 0, 0.5, scores())
    results = bench.results()
    validation = results.scores.assign(split="validation", score=9.0)
    mixed = pd.concat([results.scores[::-1], validation])
    (outcome,) = read_outcomes(replace(results, scores=mixed))
    assert outcome.images == tuple(sorted(results.scores["id"]))
    assert outcome.scores.tolist() == scores().tolist()
    assert outcome.labels.tolist() == [1] * 30 + [0] * 40


def test_what_a_run_does_not_say_is_not_known(bench, scores):
    bench.done("dense", 0, 1.0, scores(), **{"flag/disconnected": 1.0})
    bench.missing("lt", 0, 0.5, "failed", None)
    cells = bench.results().cells.drop(columns=["plain", "loss_changes", "layers"])
    dense, lost = read_outcomes(replace(bench.results(), cells=cells))
    assert (dense.done, dense.disconnected, dense.collapsed, dense.emptied) == (True, True, False, False)
    assert (lost.done, lost.reason, lost.plain, lost.loss_changes, lost.layers) == (False, "", "lt", False, {})
    assert lost.scores is None
    assert math.isnan(lost.metric("test/auc"))
    assert math.isnan(dense.metric("no such metric"))
    assert not {"seed", "density", "run_id", "flops_left"} & set(dense.metrics)


def test_missing_and_collapsed_seeds_are_named_by_their_cause(bench, scores):
    bench.done("lt", 0, 0.5, scores())
    bench.done("lt", 1, 0.5, scores(), collapsed=1.0)
    for seed in (2, 3):
        bench.missing("lt", seed, 0.5, "diverged", "loss became NaN")
    outcomes = read_outcomes(bench.results())
    assert absent(outcomes, [0]) == []
    assert absent(outcomes, range(5)) == ["collapsed in seed 1", "diverged in seeds 2, 3", "not run in seed 4"]
