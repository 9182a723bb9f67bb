"""Twins in int8 as a user runs them: planned, refused, run, resumed, reported, verified, computed anew and bundled."""

import importlib.util
import json
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location("durable", Path(__file__).with_name("durable.py"))
durable = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(durable)

pytestmark = pytest.mark.slow

harness = durable.load("commands").harness
RUN = [
    *("run", "--dataset", "isic-sim", "--methods", "magnitude", "--network", "small-cnn", "--seeds", "3"),
    *("--set", "training.max_steps=30", "--weights", "kaiming", "--densities", "1,0.25", "--jobs", "2"),
    *("--store", "store", "--quantise", "int8"),
]
ENTRIES = ["dense", "probe", "magnitude", "magnitude+int8"]


def test_a_dry_run_lists_twins_and_trains_nothing(tmp_path):
    result = harness(*RUN, "--dry-run", "--json", cwd=tmp_path, check=0)
    values = json.loads(result.stdout)
    assert [one["text"] for one in values["entries"]] == ENTRIES
    assert values["cells"] == 3 * (1 + 1 + 2 + 2)
    assert not (tmp_path / "store").exists()


def test_without_onnxruntime_it_is_refused_in_a_sentence(tmp_path):
    code = "import sys; sys.modules['onnxruntime'] = None\n"
    result = harness(*RUN, "--dry-run", cwd=tmp_path, check=5, code=code)
    assert "pip install 'prune-harness[export]'" in " ".join(result.stderr.split())
    refused = harness(*RUN[:-1], "int4", "--dry-run", cwd=tmp_path, check=2)
    assert "quantise: should be 'no' or 'int8'" in refused.stderr


@pytest.mark.long
def test_twins_are_run_resumed_reported_verified_and_bundled(tmp_path):
    told = json.loads(harness(*RUN, "--json", cwd=tmp_path, check=0).stdout)
    cells = {(one["entry"], one["seed"], one["density"]): one["metrics"] for one in told["cells"]}
    for seed in range(3):
        for density in (1.0, 0.25):
            whole, twin = (cells[entry, seed, density] for entry in ENTRIES[2:])
            assert twin["test/auc"] == pytest.approx(whole["test/auc"], abs=0.02)
            assert (twin["size/bits"], whole["size/bits"]) == (8, 32)
            assert twin["size/bytes"] < 0.35 * whole["size/bytes"] or density < 1
            assert twin["size/bytes"] < 0.6 * whole["size/bytes"]
    again = harness(*RUN, "--verbose", cwd=tmp_path, check=0)
    assert "from the store" in again.stderr
    assert "computed in" not in again.stderr
    (document,) = (tmp_path / "store" / "reports").rglob("results.json")
    (group,) = json.loads(document.read_text())["groups"]
    answers = {one["entry"]: one for one in group["verdicts"]}
    assert [step["density"] for step in answers["magnitude+int8"]["steps"]] == [1.0, 0.25]
    assert [step["density"] for step in answers["magnitude"]["steps"]] == [0.25]
    assert "magnitude+int8" in document.with_name("index.html").read_text()
    harness("verify", "--store", "store", "--rerun", "20%", "--jobs", "2", cwd=tmp_path, check=0)
    harness("bundle", "b.zip", "--author", "Ann", "--store", "store", cwd=tmp_path, check=0)
    harness("verify", "--bundle", "b.zip", cwd=tmp_path, check=0)
