"""What the reports read, from runs as MLflow keeps them."""

import json
import math
from types import SimpleNamespace

import pandas as pd
import pytest

from harness.results import names, reading
from harness.results.names import Field
from harness.results.published import PublishedRun, ReadLevel


def run(identity="r", started=0, tags=(), cells=({},), provenance=()):
    tags = {names.ENTRY: "lt", names.METHOD: "lt", names.LOSS: "plain", names.SEED: "3", names.GROUP: "g", **dict(tags)}
    written = [{"density": 1.0, "status": "done", "reason": "", "metrics": {}, **cell} for cell in cells]
    scores = "split,id,label,score\r\ntest,007,1,0.25\r\n"
    levels = [
        ReadLevel(cell["density"], {names.CELL_FILE: json.dumps(cell), names.SCORES_FILE: scores}) for cell in written
    ]
    return PublishedRun(identity, tags, started, started, json.dumps(dict(provenance)), levels)


@pytest.fixture
def read(monkeypatch, tmp_path):
    """Return a function that reads runs as if MLflow had kept them."""

    def reading_of(*runs):
        tracker = SimpleNamespace(read=lambda: [*runs], documents=lambda *_: [])
        monkeypatch.setattr(reading, "Tracker", lambda *_: tracker)
        return reading.read("nowhere", tmp_path, "spots")

    return reading_of


def test_a_cell_is_a_row_of_what_it_belongs_to_and_its_metrics(read):
    layers = {"conv.weight": [5, 4, 10]}
    one = run(cells=[{"density": 0.5, "reason": "odd", "metrics": {"test/auc": 0.75}, "layers": layers}, {}])
    first, second = read(one).cells.to_dict("records")
    assert pd.isna(first.pop("fold"))
    assert math.isnan(first.pop("imbalance"))
    assert first == {
        "run_id": "r",
        "group": "g",
        "entry": "lt",
        "method": "lt",
        "loss": "plain",
        "plain": "lt",
        "loss_changes": False,
        "seed": 3,
        "density": 0.5,
        "status": "done",
        "reason": "odd",
        "layers": {"conv.weight": (5, 4, 10)},
        "test/auc": 0.75,
    }
    assert second["layers"] is None
    assert {name for word, name in vars(Field).items() if word.isupper()} - set(first) == {
        *("fold", "imbalance", "split", "id", "label", "score")
    }


def test_a_row_says_which_fold_and_ratio_its_run_is_of(read):
    tags = {names.FOLD: "2", names.FOLDS: "5", names.IMBALANCE: "7.5"}
    cells = read(run(tags=tags), run("other", tags={names.SEED: "4"})).cells.set_index("seed")
    assert (cells.loc[3, "fold"], cells.loc[3, "imbalance"]) == (2, 7.5)
    assert cells["fold"].isna().tolist() == cells["imbalance"].isna().tolist() == [False, True]


def test_scores_are_rows_of_their_cell_and_an_id_stays_text(read):
    (row,) = read(run(cells=[{"density": 0.5}])).scores.to_dict("records")
    identity = {"run_id": "r", "entry": "lt", "seed": 3, "density": 0.5}
    assert row == {**identity, "split": "test", "id": "007", "label": 1, "score": 0.25}


def test_a_loss_that_changes_and_the_name_under_the_plain_one_are_told(read):
    tags = {names.PLAIN: "lt", names.LOSS_CHANGES: "true", names.ENTRY: "other"}
    (row,) = read(run(tags=tags)).cells.to_dict("records")
    assert (row["plain"], row["loss_changes"]) == ("lt", True)


def test_a_group_has_the_newest_facts_all_seeds_and_both_moments(read):
    old = run("old", 1_000, {names.SEED: "5"}, provenance={"command": "old"})
    new = run("new", 61_000, provenance={"command": "new"})
    facts = read(new, old).groups["g"]
    assert facts == {
        "command": "new",
        "seeds": [3, 5],
        "started": "1970-01-01T00:01:01+00:00",
        "finished": "1970-01-01T00:01:01+00:00",
        "void": False,
    }


@pytest.mark.parametrize(
    ("entry", "cell", "void"),
    [
        ("dense", {"metrics": {"validation/auc": 0.59}}, True),
        ("dense", {"metrics": {"validation/auc": 0.6}}, False),
        ("dense", {"status": "diverged"}, True),
        ("lt", {"metrics": {"validation/auc": 0.5}}, False),
    ],
)
def test_a_dense_network_that_has_not_learnt_makes_its_group_void(read, entry, cell, void):
    assert read(run(tags={names.ENTRY: entry}, cells=[cell])).groups["g"]["void"] == void


def test_why_nothing_can_be_compared_is_said():
    assert reading.dense_problem("done", 0.6) == ""
    assert reading.dense_problem("done", 0.5994) == "has validation AUC 0.599 < 0.6"
    assert reading.dense_problem("failed", None) == "is failed, not done"
