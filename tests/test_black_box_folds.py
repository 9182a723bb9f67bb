"""Folds and ratios as a user runs them: planned, run, tuned within each, published, reported and verified."""

import csv
import importlib.util
import json
from pathlib import Path

import pytest
from PIL import Image

SPEC = importlib.util.spec_from_file_location("durable", Path(__file__).with_name("durable.py"))
durable = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(durable)

pytestmark = pytest.mark.slow

harness = durable.load("commands").harness
TINY = [
    *("run", "--dataset", "./cells", "--methods", "magnitude", "--seeds", "2", "--network", "small-cnn"),
    *("--weights", "kaiming", "--set", "training.max_steps=3", "--set", "training.batch_size=8"),
    *("--densities", "1,0.25", "--jobs", "2", "--store", "store"),
]
CUT = ["--folds", "2", "--imbalance", "natural,2"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with 40 sound and 60 other images of two classes, the rarer one the positives'."""
    folder = tmp_path_factory.mktemp("user")
    images, _ = durable.load("conftest").spotted_images(100, 64, 5)
    for number, pixels in enumerate(images):
        path = folder / "cells" / ("ill" if number < 40 else "sound") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.transpose(1, 2, 0)).save(path)
    return folder


def test_a_dry_run_counts_every_fold_and_ratio_and_runs_nothing(place):
    result = harness(*TINY, *CUT, "--dry-run", "--json", cwd=place, check=0)
    values = json.loads(result.stdout)
    assert values["cells"] == 2 * 2 * 2 * (1 + 1 + 2)  # folds, ratios, seeds; dense, the probe, and two levels
    told = [(one["folds"], one["fold"], one["imbalance"]) for one in values["cuttings"]]
    assert told == [(2, 1, None), (2, 2, None), (2, 1, 2.0), (2, 2, 2.0)]
    for one in values["cuttings"]:
        train, rest = one["counts"]["train"], [one["counts"][part] for part in ("validation", "test")]
        assert (one["counts"]["test"]["p"], one["counts"]["test"]["n"]) == (20, 30)
        assert (train["p"], train["n"]) == ((15, 22) if one["imbalance"] is None else (11, 22))
        assert sum(part["p"] for part in rest) == 25
    assert not (place / "store").exists()
    refused = harness(*TINY, "--imbalance", "40", "--dry-run", cwd=place, check=2)
    assert "use ratios from" in refused.stderr


@pytest.mark.long
def test_folds_of_one_ratio_are_a_family(place):
    harness(*TINY, *CUT, "--seeds", "1", "--store", "untuned", cwd=place, check=0)
    document = json.loads((place / "untuned" / "reports" / "folder-cells" / "results.json").read_text())
    facts = [group["provenance"] for group in document["groups"]]
    assert len({one["family"] for one in facts}) == len({(one["family"], one["imbalance"]) for one in facts}) == 2


@pytest.mark.long
def test_folds_and_ratios_are_groups_that_tuning_reports_and_verify_know(place):
    harness(*TINY, *CUT, "--tune", "2", cwd=place, check=0)
    report = place / "store" / "reports" / "folder-cells"
    with open(report / "cells.csv") as file:
        rows = list(csv.DictReader(file))
    assert {(row["fold"], row["imbalance"]) for row in rows} == {("1", ""), ("2", ""), ("1", "2.0"), ("2", "2.0")}
    groups = json.loads((report / "results.json").read_text())["groups"]
    facts = [group["provenance"] for group in groups]
    assert len({one["group"] for one in facts}) == 4
    files = sorted(path.name for path in (place / "store" / "tuning").glob("*.toml"))
    assert len(files) == 4
    assert all("fold-" in name for name in files)
    found = harness("verify", "--store", "store", cwd=place, check=0)
    assert "Nothing differs" in found.stdout
