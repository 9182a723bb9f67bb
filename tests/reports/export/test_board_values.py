import math
from dataclasses import replace

import numpy as np
import pytest

from harness.reports.analysis.columns import COLUMNS
from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.export.results_json import document
from harness.reports.words.headline import answer
from harness.reports.words.verdicts import verdict


def same(found, wanted):
    """Say whether JSON holds the very number, null where it is not finite."""
    return found is None if wanted is None or not math.isfinite(wanted) else found == wanted


def test_rows_are_those_of_the_leaderboard(usual):
    results = usual.results()
    (board,), (group,) = leaderboard(results), document(results)["groups"]
    assert [level["density"] for level in group["levels"]] == [level.density for level in board.levels]
    for level, wanted in zip(group["levels"], board.levels, strict=True):
        assert [row["entry"] for row in level["rows"]] == [row.entry for row in wanted.rows]
        for row, own in zip(level["rows"], wanted.rows, strict=True):
            assert (row["rank"], row["loss"], row["asked"], row["done"]) == (own.rank, own.loss, own.asked, own.done)
            assert row["disconnected"] == own.disconnected
            assert (row["collapsed"], row["problems"], row["alike"]) == (own.collapsed, [*own.problems], [*own.alike])
            for name in (column.name for column in COLUMNS if column.kind == "mean"):
                assert same(row[name], own.figures[name]), name
            for name in ("value", "low", "high", "least", "most"):
                assert row["auc"][name] == getattr(own.auc, name)
            for name, rate in ((name, own.figures[name]) for name in row["rates"]):
                for figure in ("k", "n", "low", "high", "share"):
                    assert row["rates"][name][figure] == getattr(rate, figure)
            assert [*row["rates"]] == ["fn/sens95", "fp/sens95", "fn/argmax", "fp/argmax"]
    assert group["answer"] == answer(board)


def test_the_budget_is_the_most_that_a_seed_took_and_the_rest_are_means(budgeted):
    (group,) = document(budgeted.results())["groups"]
    rows = {row["entry"]: row for level in group["levels"] if level["density"] == 0.5 for row in level["rows"]}
    assert [*rows] == ["random", "lt", "magnitude", "mobilenet"]
    lt = rows["lt"]
    assert (lt["budget"], lt["steps"], lt["processor_seconds"]) == (600, 580, 90)
    assert (lt["kept_step"], lt["kept_epoch"], lt["seconds"]) == (126, 7, 60)
    assert [rows["mobilenet"][name] for name in ("budget", "steps", "kept_step")] == [None, None, None]


def test_counts_equal_counting_images(usual):
    """From the scores alone, not by way of the leaderboard."""
    results = usual.results()
    (group,) = document(results)["groups"]
    row = next(row for level in group["levels"] for row in level["rows"] if row["entry"] == "random")
    for name, label, cut in [("fn/sens95", 1, "sens95"), ("fp/sens95", 0, "sens95"), ("fn/argmax", 1, "argmax")]:
        counts = []
        for _, cell in results.cells[results.cells["entry"] == "random"].iterrows():
            images = results.scores[results.scores["run_id"] == cell["run_id"]]
            images = images[images["label"] == label]
            counts.append(((images["score"] > cell[f"threshold/{cut}"]).astype(int) != label).sum())
        assert row["rates"][name]["k"] == np.mean(counts)
        assert row["rates"][name]["n"] == (30 if label else 40)


def test_verdicts_are_those_of_the_page(usual):
    results = usual.results()
    (board,), (group,) = leaderboard(results), document(results)["groups"]
    assert [one["entry"] for one in group["verdicts"]] == [safety.entry for safety in board.safeties]
    for one, safety in zip(group["verdicts"], board.safeties, strict=True):
        assert one["density"] == safety.density
        assert verdict(safety) == ("50%" if one["verdict"] == "density" else one["verdict"])
        assert [step["safe"] for step in one["steps"]] == [safety.is_safe(step) for step in safety.steps]
        assert [step["bound"] for step in one["steps"]] == [step.bound for step in safety.steps]
    assert {one["verdict"] for one in group["verdicts"]} == {"density", "none", "not measured"}


def test_few_positives_are_not_decidable(bench, scores):
    keep = np.r_[0:10, 30:70]
    bench.done("dense", 0, 1.0, scores())
    bench.done("lt", 0, 0.5, scores())
    results = bench.results()
    ids = [f"image{index:03d}" for index in keep]
    results = replace(results, scores=results.scores[results.scores["id"].isin(ids)])
    (one,) = document(results)["groups"][0]["verdicts"]
    assert (one["verdict"], one["density"], one["positives"]) == ("not decidable", None, 10)


def test_void_results_give_no_verdict_and_no_rank(usual):
    (group,) = document(usual.results(void=True))["groups"]
    assert group["verdicts"] == []
    assert {row["rank"] for level in group["levels"] for row in level["rows"]} == {None}
    assert group["labels"] == ["void"]
    assert group["answer"] == ["No answer: the dense network itself has not learnt the task."]


@pytest.mark.parametrize(
    ("facts", "labels"),
    [
        ({}, []),
        ({"simulated": True}, ["simulated"]),
        ({"simulated": True, "fallback_for": "isic"}, ["stand-in", "simulated"]),
        ({"partial": {"train": {"found": 1, "expected": 2}}, "void": True}, ["void", "partial"]),
        ({"caveats": []}, []),
        ({"caveats": ["Tiles of one photo."], "simulated": True}, ["simulated", "caveats"]),
    ],
)
def test_labels(make, facts, labels):
    assert document(make(**facts))["groups"][0]["labels"] == labels


def test_what_the_loss_did_is_that_of_the_page(crossed):
    results = crossed.results()
    (board,), (group,) = leaderboard(results), document(results)["groups"]
    (pair,), (own,) = board.pairs, group["loss_pairs"]
    assert (own["plain"], own["other"], own["loss"]) == (pair.plain, pair.other, pair.loss)
    for level, square in zip(own["levels"], pair.levels, strict=True):
        assert (level["density"], level["seeds"]) == (square.density, [*square.seeds])
        assert level["effects"].keys() == square.effects.keys()
        for name, effect in square.effects.items():
            assert level["effects"][name] == {"value": effect.value, "low": effect.low, "high": effect.high}
        for name, corner in square.corners.items():
            assert (level["corners"][name]["auc"], level["corners"][name]["missed"]["k"]) == (
                corner.auc,
                corner.missed.k,
            )


def test_results_json_says_which_loss_changes(crossed, changed):
    for bench, wanted in ((crossed, False), (changed, True)):
        (group,) = document(bench.results())["groups"]
        assert [pair["loss_changes"] for pair in group["loss_pairs"]] == [wanted]
        assert ("interaction" in group["loss_pairs"][0]["levels"][1]["effects"]) != wanted


@pytest.mark.parametrize(("missed", "labels"), [(3, ["badly trained", "simulated"]), (0, ["simulated"])])
def test_dense_beside_the_probe_is_that_of_the_page(bench, scores, missed, labels):
    bench.done("dense", 0, 1.0, scores(missed=missed))
    bench.done("probe", 0, 1.0, scores())
    results = bench.results(simulated=True)
    (board,), found = leaderboard(results), document(results)
    (group,) = found["groups"]
    own = board.probe
    assert group["probe"] == {
        "seeds": [0],
        "dense": own.dense,
        "probe": own.probe,
        "difference": own.difference,
        "low": own.low,
        "high": own.high,
        "badly_trained": missed == 3,
    }
    assert group["labels"] == labels
    assert [cell["entry"] for cell in found["cells"]] == ["dense", "probe"]


def test_without_a_probe_there_is_no_such_key(usual):
    assert "probe" not in document(usual.results())["groups"][0]
