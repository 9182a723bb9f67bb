"""Cells computed anew: an honest record comes out bit for bit, a forged one does not, however well it was forged."""

import csv
import io
import json
import sqlite3

import pytest

from harness.evaluation.terms import USUAL
from harness.integrity.recounting import read_scores, recounted
from harness.results.cell_record import step_of

pytestmark = pytest.mark.slow


def verify(harness, place, *arguments, check):
    result = harness("verify", "--store", "store", "--json", *arguments, cwd=place, check=check)
    return json.loads(result.stdout) if result.stdout.startswith("{") else result.stderr


def test_every_cell_of_an_honest_store_comes_out_bit_for_bit(honest, harness):
    told = verify(harness, honest.parent, "--rerun", "100%", check=0)
    assert told["differences"] == []
    assert len(told["computed_anew"]) == told["looked_at"]["levels"] == 6
    assert told["not_computed_anew"] == {}


def forge(store, forger):
    """Give one missed positive a high score, and let every figure and every hash follow from it."""
    header, *rows = csv.reader(io.StringIO((forger.level() / "scores.csv").read_text(), newline=""))
    positives = [row for row in rows if row[0] == "test" and row[2] == "1"]
    min(positives, key=lambda row: float(row[3]))[3] = "5.0"
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    cell = forger.cell()
    cell["metrics"] |= recounted(read_scores(text.getvalue()), USUAL)
    forger.rewrite("scores.csv", text.getvalue().encode())
    forger.rewrite("cell.json", json.dumps(cell).encode())
    with sqlite3.connect(store / "mlflow.db") as database:
        for name, value in cell["metrics"].items():
            database.execute(
                "update metrics set value = ? where key = ? and step = ? and run_uuid = ?",
                [value, name, step_of(0.25), forger.run_id],
            )


def test_a_forgery_in_which_all_fits_together_is_found_by_computing_anew(copied, forger, harness):
    forge(copied, forger)
    assert verify(harness, copied.parent, check=0)["differences"] == []
    told = verify(harness, copied.parent, "--run", forger.run_id, "--rerun", "100%", check=6)
    assert {one["where"] for one in told["differences"]} == {f"magnitude seed 0 (run {forger.run_id}) at density 0.25"}
    assert any("computed anew, its figures differ: test/" in one["what"] for one in told["differences"])
    assert any("scores.csv differs" in one["what"] for one in told["differences"])


@pytest.mark.long
def test_a_level_from_before_the_cut_deployed_is_held_to_what_it_has(copied, forger, harness):
    forger.age(copied)
    told = verify(harness, copied.parent, "--run", forger.run_id, "--rerun", "100%", check=0)
    assert (told["differences"], len(told["computed_anew"])) == ([], 2)


@pytest.mark.long
def test_a_share_is_drawn_and_at_least_one_cell(honest, harness):
    told = verify(harness, honest.parent, "--rerun", "1%", check=0)
    assert len(told["computed_anew"]) == 1


def with_changes(plan, changes):
    return plan | {name: with_changes(plan[name], to) if isinstance(to, dict) else to for name, to in changes.items()}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"environment": "torch 1.0 / abacus"}, "it was made on torch 1.0 / abacus"),
        ({"weights": "imagenet:" + 64 * "0"}, "start weights"),
        ({"weights": "trained:" + 16 * "0"}, "its network was trained elsewhere, and this store does not have it"),
        ({"data": {"cutting": {"split_seed": 5}}}, "settings"),
        ({"seeds": "none"}, "not one that this version writes"),
        ({"network": "mlp"}, "not those that are here"),
    ],
)
def test_a_run_that_cannot_be_repeated_here_says_why(copied, forger, harness, changes, why):
    plan = json.loads((forger.place / "plan.json").read_text())
    forger.rewrite_document("plan.json", json.dumps(with_changes(plan, changes)).encode())
    told = verify(harness, copied.parent, "--run", forger.run_id, "--rerun", "100%", check=5)
    assert "no cell can be computed anew on this machine" in told
    assert why in told
