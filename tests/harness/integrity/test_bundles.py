"""A real run's bundle: verified, and computed anew."""

import json
import zipfile

import pytest

from harness.evaluation.terms import USUAL
from harness.integrity.recounting import read_scores, recounted
from harness.results.mlflow_tracker import default_uri
from harness.results.reading import read as read_store
from harness.submissions.bundle import Bundle
from harness.submissions.reading import read

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture
def bundled(honest, harness, tmp_path):
    told = harness(
        "bundle", "b.zip", "--dataset", "isic-sim", "--author", "Ann", "--store", honest, cwd=tmp_path, check=0
    )
    assert "4 runs with 6 levels of isic-sim" in told.stdout
    return tmp_path / "b.zip"


def test_a_runs_bundle_verifies_and_holds_its_results(honest, bundled, harness, tmp_path):
    told = harness("verify", "--bundle", "b.zip", "--json", cwd=tmp_path, check=0)
    found = json.loads(told.stdout)
    assert found["differences"] == []
    assert found["looked_at"]["levels"] == 6
    with Bundle(bundled) as bundle:
        mine, kept = read(bundle), read_store(default_uri(honest), honest, "isic-sim")
    assert mine.cells.equals(kept.cells)
    assert mine.scores.equals(kept.scores)
    assert mine.groups == kept.groups
    with zipfile.ZipFile(bundled) as archive:
        spoiled = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(bundled, "w") as archive:
        for name, content in spoiled.items():
            archive.writestr(name, content.replace(b"isic-sim", b"isic-sin"))
    told = harness("verify", "--bundle", "b.zip", cwd=tmp_path, check=6)
    assert "provenance.json: it does not have the sha256" in told.stdout


def test_a_rerun_that_agrees_is_recorded(bundled, harness, tmp_path):
    told = harness("verify", "--bundle", "b.zip", "--rerun", "40%", "--attest", "Bob", cwd=tmp_path, check=0)
    assert "Computed 3 cells anew" in told.stdout
    content = json.loads((tmp_path / "b.zip.verified.json").read_text())
    assert {name: content["reruns"][0][name] for name in ("by", "cells", "of")} == {"by": "Bob", "cells": 3, "of": 6}


def test_made_up_scores_that_mlflow_contradicts_are_not_bundled(copied, forger, harness, tmp_path):
    text = (forger.level() / "scores.csv").read_bytes().decode()
    lines = text.splitlines(keepends=True)
    row = next(i for i, line in enumerate(lines) if line.startswith("test,") and line.split(",")[2] == "1")
    lines[row] = ",".join([*lines[row].split(",")[:3], "9.0\r\n"])
    cell = forger.cell()
    cell["metrics"] |= recounted(read_scores("".join(lines)), USUAL)
    forger.rewrite("scores.csv", "".join(lines).encode())
    forger.rewrite("cell.json", json.dumps(cell).encode())
    of = ("--dataset", "isic-sim", "--author", "Eve", "--store", copied)
    told = harness("bundle", "b.zip", *of, cwd=tmp_path, check=4)
    assert "not fit to be bundled" in told.stderr
