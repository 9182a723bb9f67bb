"""One run's rows, and what becomes of a level that cannot be read."""

import json

import pytest

from harness.results import names
from harness.results.published import PublishedRun, ReadLevel
from harness.results.run_tables import named, tables_of

TAGS = {names.ENTRY: "lt", names.METHOD: "lt", names.LOSS: "plain", names.SEED: "3", names.GROUP: "g"}
CELL = json.dumps({"density": 0.5, "status": "done", "reason": "", "metrics": {"test/auc": 0.75}})
WHOLE = {"cell.json": CELL, "scores.csv": "split,id,label,score\r\ntest,007,1,0.25\r\n"}


def run(*levels, damage=(), **tags):
    return PublishedRun("4f1c", TAGS | tags, 0, 0, "{}", levels, damage)


@pytest.mark.parametrize(
    ("method", "said", "control"),
    [
        *(("random", None, True), ("random-layerwise", None, True), ("scratch", None, True), ("snip", None, False)),
        *(("coin-flip", "true", True), ("random", "false", False)),
    ],
)
def test_a_control_is_what_says_so_and_of_older_runs_what_the_harness_had(method, said, control):
    tags = {names.METHOD: method} | ({} if said is None else {names.CONTROL: said})
    tables = tables_of(run(ReadLevel(0.5, WHOLE), **tags))
    assert [row["control"] for row in tables.rows] == [control]


@pytest.mark.parametrize("image", ["NA", "nan", "None", "null", "1e5"])
def test_an_image_may_be_called_what_stands_for_missing_elsewhere(image):
    files = WHOLE | {"scores.csv": f"split,id,label,score\r\ntest,{image},1,0.25\r\n"}
    (table,) = tables_of(run(ReadLevel(0.5, files))).scores
    assert table["id"].tolist() == [image]


def test_a_level_is_a_row_and_its_scores():
    tables = tables_of(run(ReadLevel(0.5, WHOLE)))
    assert [(row["density"], row["test/auc"]) for row in tables.rows] == [(0.5, 0.75)]
    assert [table["score"].tolist() for table in tables.scores] == [[0.25]]
    assert tables.damage == []


@pytest.mark.parametrize(
    "broken",
    [
        ReadLevel(0.25, WHOLE, "levels/0.25/scores.csv is missing"),
        ReadLevel(0.25, {**WHOLE, "cell.json": "{"}),
        ReadLevel(0.25, {**WHOLE, "cell.json": "[]"}),
        ReadLevel(0.25, {**WHOLE, "cell.json": "{}"}),
        ReadLevel(0.25, {**WHOLE, "scores.csv": ""}),
        ReadLevel(0.25, {**WHOLE, "scores.csv": "split,id,label,score\r\ntest,a,1,abc\r\n"}),
        ReadLevel(0.25, {}),
    ],
)
def test_a_level_that_cannot_be_read_is_a_failed_cell_that_names_its_run_and_the_rest_is_there(broken):
    tables = tables_of(run(broken, ReadLevel(0.5, WHOLE)))
    lost, kept = tables.rows
    assert (lost["density"], lost["status"]) == (0.25, "failed")
    assert "run 4f1c" in lost["reason"]
    assert kept["status"] == "done"
    assert len(tables.scores) == 1
    assert tables.damage[0].startswith("lt seed 3 (run 4f1c) at density 0.25: ")


def test_damage_of_no_level_names_its_run():
    assert tables_of(run(damage=["plan.json is empty"])).damage == [f"{named(run())}: plan.json is empty"]
