import csv
import io
import json
import math
from dataclasses import replace

import numpy as np
import pytest

from harness.evaluation.terms import Terms
from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.analysis.outcomes import read_outcomes
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
    with pytest.raises(ValueError, match=r"snip, seed \d, density 0\.5: no test scores"):
        read_outcomes(replace(results, scores=results.scores[results.scores["entry"] != "snip"]))
    with pytest.raises(ValueError, match=r"no provenance for the groups \['g'\]"):
        read_outcomes(replace(results, groups={}))


def test_scores_are_those_of_each_split_in_the_order_of_the_images(trial):
    made = trial()
    test, validation = made.scored(12, "test", 0), made.scored(30, "validation", 0)
    results = made.network("lt", 0.5, 0, test, validation=validation).results()
    (outcome,) = read_outcomes(replace(results, scores=results.scores.sample(frac=1, random_state=0)))
    assert outcome.images == tuple(f"test0-{index:03d}" for index in range(270))
    assert outcome.scores.tolist() == test.tolist()
    assert outcome.labels.tolist() == made.labels.tolist()
    assert [own.tolist() for own in outcome.validation] == [made.labels.tolist(), validation.tolist()]


def cut_by_hand(share, positives):
    """The largest cut that keeps the share: just below the last score that has to be called."""
    kept = math.ceil(share * len(positives) - 1e-9)
    return np.nextafter(sorted(positives, reverse=True)[kept - 1], -np.inf)


@pytest.mark.parametrize("share", [0.9, 0.75])
def test_the_deployed_cut_of_older_results_is_chosen_on_their_validation_scores(trial, share):
    made = trial()
    validation = made.scored(30, "validation", 0)
    made.network("lt", 0.5, 0, made.scored(12, "test", 0), validation=validation)
    facts = {"verdict": {"sensitivity": share}}
    (outcome,) = read_outcomes(made.results(**facts))
    assert outcome.cut == cut_by_hand(share, validation[:120])
    made.rows[0]["threshold/deployed"] = 0.125
    (outcome,) = read_outcomes(made.results(**facts))
    assert outcome.cut == 0.125  # what the run itself wrote


def test_what_older_results_did_not_count_is_counted_from_their_scores(trial):
    made = trial()
    scores = made.scored(12, "test", 0)
    made.network("lt", 0.5, 0, scores)
    (outcome,) = read_outcomes(made.results())
    assert outcome.tested("sensitivity") == 1 - 12 / 120
    assert outcome.tested("ap/base") == 120 / 270
    assert outcome.tested("fn/deployed") == np.sum(scores[:120] <= outcome.cut)
    assert outcome.tested("fp/deployed") == np.sum(scores[120:] > outcome.cut)
    assert math.isnan(outcome.tested("no such figure"))
    made.rows[0]["test/sensitivity"] = 0.5
    (outcome,) = read_outcomes(made.results())
    assert outcome.tested("sensitivity") == 0.5


def test_without_validation_scores_the_deployed_cut_is_not_known(trial):
    made = trial().entry("lt", 0.5, 12, seeds=(0,))
    made.images = [one for one in made.images if one["split"].iloc[0] == "test"]
    (outcome,) = read_outcomes(made.results())
    assert outcome.validation is None
    assert math.isnan(outcome.cut)
    assert math.isnan(outcome.tested("fn/deployed"))
    assert outcome.tested("sensitivity") == 0.9


def test_a_cell_knows_its_fold_its_terms_and_whether_it_is_a_control(trial):
    made = trial(folds=2).entry("dense", 1.0, 12, seeds=(3,)).entry("random", 0.5, 12, seeds=(3,), control=True)
    found = read_outcomes(made.results(verdict={"delta": 0.05}))
    assert [(one.entry, one.network, one.control) for one in found] == [
        ("dense", (1, 3), False),
        ("dense", (2, 3), False),
        ("random", (1, 3), True),
        ("random", (2, 3), True),
    ]
    assert {one.terms for one in found} == {Terms(delta=0.05)}


def test_older_results_have_no_fold_no_control_and_the_usual_terms(trial):
    results = trial().entry("random", 0.5, 12, control=True).results(verdict=None)
    found = read_outcomes(replace(results, cells=results.cells.drop(columns=["fold", "control"])))
    assert {(one.fold, one.control, one.terms) for one in found} == {(0, False, Terms())}


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
