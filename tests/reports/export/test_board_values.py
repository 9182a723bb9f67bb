import json
import math
from dataclasses import asdict
from pathlib import Path

import pytest

from harness.reports.analysis.columns import COLUMNS
from harness.reports.analysis.decision_curves import decision_curve
from harness.reports.analysis.estimates import calibration
from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.export.results_json import document, to_json
from harness.reports.words.checklist import checked
from harness.reports.words.headline import answer, tells_apart
from harness.reports.words.trust import trust
from harness.reports.words.verdicts import verdict, why


def same(found, wanted):
    """Say whether JSON holds the very number, null where it is not finite."""
    return found is None if wanted is None or not math.isfinite(wanted) else found == wanted


def groups_of(results):
    return json.loads(to_json(document(results)))["groups"]


def group_of(results):
    (group,) = groups_of(results)
    return group


def contrast_values(found, *, anecdote=False):
    """A contrast as JSON has it: with its bounds, of these networks alone where they are too few."""

    def bounds_of(one):
        return {"lower": one.lower(), "upper": one.upper(), "interval": [*one.interval()]}

    bounds = {**bounds_of(found), "freedom": found.freedom}
    return {
        "value": found.value,
        **(dict.fromkeys(bounds) if anecdote else bounds),
        "these_networks": bounds_of(found.of_these_networks),
    }


def estimate_values(found):
    return None if found is None else {**asdict(found), "these": [*found.these], "method": listed(found.method)}


def listed(pair):
    return None if pair is None else [*pair]


@pytest.fixture
def walked(trial):
    """A method that is safe, loses, and would be safe again; a control; one without a seed."""
    made = trial().entry("dense", 1.0, 12)
    for density, missed in ((0.5, 12), (0.25, 60), (0.125, 12)):
        made.entry("lt", density, missed).entry("random", density, missed + 2, control=True)
        made.entry("gone", density, 12, seeds=(0, 1))
    return made


def test_rows_are_those_of_the_leaderboard(walked):
    results = walked.results()
    (board,), group = leaderboard(results), group_of(results)
    assert [level["density"] for level in group["levels"]] == [level.density for level in board.levels]
    for level, wanted in zip(group["levels"], board.levels, strict=True):
        assert level["ties"] == (None if wanted.order is None else [[*run] for run in wanted.order.ties])
        assert [row["entry"] for row in level["rows"]] == [row.entry for row in wanted.rows]
        for row, own in zip(level["rows"], wanted.rows, strict=True):
            for name in (
                "rank",
                "letters",
                "loss",
                "control",
                "family",
                "asked",
                "done",
                "collapsed",
                "disconnected",
                "budget",
            ):
                assert row[name] == getattr(own, name), name
            assert (row["problems"], row["alike"]) == ([*own.problems], [*own.alike])
            for name in (column.name for column in COLUMNS if column.kind == "mean"):
                assert same(row[name], own.figures[name]), name
            for name in (column.name for column in COLUMNS if column.kind == "estimate"):
                assert row[name] == estimate_values(own.figures[name]), name
            for name in (column.name for column in COLUMNS if column.kind == "rate"):
                assert row[name] == {**asdict(own.figures[name]), "share": own.figures[name].share}, name
    methods = [
        {"name": one.name, **asdict(one.facts), "control": one.control, "entries": [*one.entries]}
        for one in board.methods
    ]
    assert (group["methods"], len(methods)) == (methods, 3)
    assert "methods" not in group["provenance"]
    assert group["answer"] == answer(board)
    assert group["tells_apart"] == tells_apart(board)
    assert group["lost"] == []
    assert group["checklist"] == [asdict(line) for line in checked(board)]
    assert group["trust"] == [asdict(line) for line in trust(board)]
    assert (group["resolution"], group["positives"], group["seeds"]) == (board.resolution, 120, [0, 1, 2])
    assert group["lift"] == contrast_values(board.lift)


def test_calibration_and_decision_curves_are_those_of_the_cells(walked):
    results = walked.results()
    (board,), group = leaderboard(results), group_of(results)
    (row,) = [row for row in group["levels"][1]["rows"] if row["entry"] == "lt"]
    cells = [cell for cell in board.cells if (cell.entry, cell.density) == ("lt", 0.5)]
    slope, intercept = calibration(cells)
    assert row["calibration"] == {"slope": estimate_values(slope), "intercept": estimate_values(intercept)}
    assert slope.value == pytest.approx(row["calibration_slope"])
    assert intercept.value == pytest.approx(row["calibration_intercept"])
    assert row["decision_curve"] == [asdict(point) for point in decision_curve(cells)]


def test_an_entry_of_which_nothing_is_done_has_neither(walked):
    walked.network("failed", 0.5, 0, None, status="failed", reason="no reason")
    rows = {row["entry"]: row for row in group_of(walked.results())["levels"][1]["rows"]}
    assert rows["failed"]["calibration"] == {"slope": None, "intercept": None}
    assert (rows["failed"]["decision_curve"], rows["failed"]["auc"], rows["failed"]["rank"]) == ([], None, None)


def test_the_budget_is_the_most_that_a_seed_took_and_the_rest_are_means(budgeted):
    (group,) = document(budgeted.results())["groups"]
    rows = {row["entry"]: row for level in group["levels"] if level["density"] == 0.5 for row in level["rows"]}
    assert [*rows] == ["random", "lt", "magnitude", "mobilenet"]
    lt = rows["lt"]
    assert (lt["budget"], lt["steps"], lt["processor_seconds"]) == (600, 580, 90)
    assert (lt["kept_step"], lt["kept_epoch"], lt["seconds"]) == (126, 7, 60)
    assert [rows["mobilenet"][name] for name in ("budget", "steps", "kept_step")] == [None, None, None]


def test_verdicts_are_those_of_the_board(walked):
    results = walked.results()
    (board,), group = leaderboard(results), group_of(results)
    assert [one["entry"] for one in group["verdicts"]] == [one.entry for one in board.verdicts]
    for one, own in zip(group["verdicts"], board.verdicts, strict=True):
        assert (one["loss"], one["control"], one["density"]) == (own.loss, own.control, own.density)
        assert one["answer"] == verdict(own)
        assert one["density_among_all"] == own.density_at(1 - 0.05 / 3)
        for step, wanted in zip(one["steps"], own.steps, strict=True):
            assert (step["density"], step["passed"]) == (wanted.density, own.passed(wanted))
            assert (step["why"], step["problem"]) == (why(wanted, own.terms), wanted.problem)
            assert step["loss"] == (contrast_values(wanted.judgement.loss) if wanted.judgement else None)
            assert step["auc"] == (contrast_values(wanted.auc) if wanted.judgement else None)
            rises = wanted.deployed
            assert (step["deployed"] is None) is (rises is None)
            if rises:
                assert step["deployed"] == {
                    "missed": contrast_values(rises.missed),
                    "alarms": contrast_values(rises.alarms),
                    "within": rises.within,
                }


def test_below_a_level_that_is_not_safe_nothing_is(walked):
    found = {one["entry"]: one for one in group_of(walked.results())["verdicts"]}
    lt = found["lt"]
    assert [(step["answer"], step["passed"]) for step in lt["steps"]] == [
        ("safe", True),
        ("loses positives", False),
        ("below a stop", False),
    ]
    assert (lt["answer"], lt["density"]) == ("safe to 50%", 0.5)
    assert {step["answer"] for step in found["gone"]["steps"]} == {"no verdict"}
    assert {step["problem"] for step in found["gone"]["steps"]} == {"not run in seed 2"}
    assert (found["random"]["control"], lt["control"]) == (True, False)


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_an_anecdote_has_neither_verdict_nor_rank_nor_bounds_of_a_method(trial, seeds):
    made = trial().entry("dense", 1.0, 12, seeds=seeds).entry("lt", 0.5, 12, seeds=seeds)
    results = made.entry("poor", 0.5, 110, seeds=seeds).results()
    (board,), group = leaderboard(results), group_of(results)
    assert group["labels"] == ["anecdote"]
    assert {row["rank"] for level in group["levels"] for row in level["rows"]} == {None}
    assert {level["ties"] for level in group["levels"]} == {None}
    assert {
        row[name]["method"] for level in group["levels"] for row in level["rows"] for name in ("auc", "sensitivity")
    } == {None}
    for one, own in zip(group["verdicts"], board.verdicts, strict=True):
        (step,), (wanted,) = one["steps"], own.steps
        assert (one["answer"], one["density"], one["density_among_all"]) == ("anecdote", None, None)
        assert (step["answer"], step["passed"], step["deployed"], step["needed"]) == ("anecdote", False, None, None)
        assert step["loss"] == contrast_values(wanted.judgement.loss, anecdote=True)
    assert group["lift"]["lower"] is None


def test_what_would_decide_and_which_positives_are_lost(trial):
    made = trial(positives=40, negatives=40).entry("dense", 1.0, 4, seeds=range(5))
    made.entry("lt", 0.5, 5, seeds=range(5)).entry("poor", 0.5, 30, seeds=range(5))
    results = made.results()
    (board,), group = leaderboard(results), group_of(results)
    for one, own in zip(group["verdicts"], board.verdicts, strict=True):
        (step,), (wanted,) = one["steps"], own.steps
        assert step["lost"] == [*wanted.lost]
        assert step["needed"] == (asdict(wanted.judgement.needed) if one["entry"] == "lt" else None)
    assert {one["entry"]: one["answer"] for one in group["verdicts"]} == {"lt": "undecided", "poor": "loses positives"}
    assert (
        group_of(made.lose("lt", seed=4).lose("poor", seed=4).lose("dense", seed=4).results())["verdicts"][0]["steps"][
            0
        ]["lost"]
        is None
    )


def test_terms_are_those_that_were_asked_for(walked):
    asked = {"fpr": 0.2, "delta": 0.05, "sensitivity": 0.8, "cost_ratio": 4.0}
    assert group_of(walked.results(verdict=asked))["judged_by"] == asked
    usual = {"fpr": 0.3, "delta": 0.1, "sensitivity": 0.9, "cost_ratio": 10.0}
    assert group_of(walked.results())["judged_by"] == usual


def test_folds_are_one_group_and_the_official_split_is_another(trial):
    made = trial(folds=3).entry("dense", 1.0, 12).entry("lt", 0.5, 12).lose("lt", fold=2)
    made.entry("dense", 1.0, 12, folds=(0,))
    official, folded = sorted(groups_of(made.results()), key=lambda group: group["group"] == "family")
    assert (folded["group"], folded["folds"], folded["seeds"], folded["positives"]) == (
        "family",
        [1, 2, 3],
        [0, 1, 2],
        360,
    )
    assert (official["group"], official["folds"], official["positives"]) == ("g", None, 120)
    assert folded["provenance"]["group"] == ["fold1", "fold2", "fold3"]
    (verdict,) = folded["verdicts"]
    assert (verdict["answer"], verdict["steps"][0]["problem"]) == ("no verdict", "not run in fold 2")


@pytest.mark.parametrize(
    ("facts", "labels"),
    [
        ({}, ["anecdote"]),
        ({"simulated": True}, ["anecdote", "simulated"]),
        ({"simulated": True, "fallback_for": "isic"}, ["anecdote", "stand-in", "simulated"]),
        ({"partial": {"train": {"found": 1, "expected": 2}}}, ["anecdote", "partial"]),
        ({"caveats": []}, ["anecdote"]),
        ({"caveats": ["Tiles of one photo."], "simulated": True}, ["anecdote", "simulated", "caveats"]),
        ({"seeds": (0, 1, 2), "simulated": True}, ["simulated"]),
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
        assert level["density"] == square.density
        assert level["effects"].keys() == square.effects.keys()
        for name, effect in square.effects.items():
            assert level["effects"][name] == asdict(effect)
        for name, corner in square.corners.items():
            own_corner = level["corners"][name]
            assert (own_corner["auc"], own_corner["missed"]["k"]) == (corner.auc, corner.missed.k)
            assert (own_corner["done"], own_corner["problem"]) == (corner.done, corner.problem)


def test_results_json_says_which_loss_changes(crossed, changed):
    for bench, wanted in ((crossed, False), (changed, True)):
        (group,) = document(bench.results())["groups"]
        assert [pair["loss_changes"] for pair in group["loss_pairs"]] == [wanted]
        assert ("interaction" in group["loss_pairs"][0]["levels"][1]["effects"]) != wanted


@pytest.mark.parametrize(
    ("missed", "labels"), [(3, ["anecdote", "badly trained", "simulated"]), (0, ["anecdote", "simulated"])]
)
def test_dense_beside_the_probe_is_that_of_the_page(bench, scores, missed, labels):
    bench.done("dense", 0, 1.0, scores(missed=missed))
    bench.done("probe", 0, 1.0, scores())
    results = bench.results(simulated=True)
    (board,), found = leaderboard(results), document(results)
    (group,) = found["groups"]
    own = board.probe
    assert group["probe"] == {
        "networks": [[0, 0]],
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


def test_what_is_lost_has_counts_of_each_image(trial):
    made = trial(positives=30, negatives=30).entry("dense", 1.0, 5, seeds=(0, 1, 2, 3, 4))
    results = made.entry("lt", 0.5, 12, seeds=(0, 1, 2, 3, 4)).results()
    (board,), group = leaderboard(results), group_of(results)
    (level,), (wanted,) = group["lost"], board.lost
    assert (level["density"], level["entries"], level["positives"], level["left_out"]) == (0.5, ["lt"], 30, [])
    assert [(one["id"], one["entries"], one["dense_missed"], one["dense_networks"]) for one in level["images"]] == [
        (one.identity, 1, one.dense_missed, 5) for one in wanted.images
    ]
    assert level["agreements"] == [asdict(one) for one in wanted.agreements]
    keys = {key for image in level["images"] for key in image} | {key for one in level["agreements"] for key in one}
    page = (Path(__file__).parents[3] / "docs" / "publish.md").read_text("utf-8")
    assert [key for key in keys if f".{key}` |" not in page.partition("groups[].lost")[2]] == []
