"""What the reports read, from runs as MLflow keeps them."""

import json
import math
from dataclasses import asdict
from types import SimpleNamespace

import pandas as pd
import pytest

from harness.results import names, reading
from harness.results.looks import part_of
from harness.results.method_facts import MethodFacts
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
        "control": False,
        "family": "ticket",
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
    told = {names.FAMILY: "old kind", names.METHOD_VERSION: "mine 1", names.AUTHOR: "Ann"}
    old = run("old", 1_000, {names.SEED: "5"} | told, provenance={"command": "old"})
    told = {names.FAMILY: "new kind", names.METHOD_VERSION: "mine 2"}
    new = run("new", 61_000, told, provenance={"command": "new"})
    facts = read(new, old).groups["g"]
    assert facts == {
        "command": "new",
        "methods": {"lt": asdict(MethodFacts(family="new kind", version="mine 2"))},
        "seeds": [3, 5],
        "started": "1970-01-01T00:01:01+00:00",
        "finished": "1970-01-01T00:01:01+00:00",
        "looks": 1,
    }


def test_looks_are_the_entries_of_all_groups_with_these_test_images(read):
    """Groups a and b test image 007, as their provenance and an older one's scores have it, and c does not."""
    part = part_of(["007"], [1])
    runs = [
        run("1", tags={names.GROUP: "a", names.ENTRY: "dense"}, provenance={"test_part": part}),
        run("2", tags={names.GROUP: "a"}, provenance={"test_part": part}),
        run("3", 1, tags={names.GROUP: "a"}, provenance={"test_part": part}),  # another version of lt
        run("4", tags={names.GROUP: "a", names.SEED: "4"}, provenance={"test_part": part}),
        run("5", tags={names.GROUP: "b", names.ENTRY: "snip"}),
        run("6", tags={names.GROUP: "c", names.ENTRY: "snip"}, provenance={"test_part": "others"}),
    ]
    found = read(*runs)
    assert {group: facts["looks"] for group, facts in found.groups.items()} == {"a": 3, "b": 3, "c": 1}
    assert found.of_groups(["a"]).groups["a"]["looks"] == 3


def test_what_was_never_scored_is_no_look(read):
    skipped = {"status": "skipped"}
    assert read(run(cells=[skipped, {**skipped, "density": 0.5}])).groups["g"]["looks"] == 0
