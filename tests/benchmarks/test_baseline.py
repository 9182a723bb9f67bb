"""The comparison of benchmarks on made-up results: a regression is found, noise is not."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).with_name("baseline.py")
SPEC = importlib.util.spec_from_file_location("baseline", FILE)
baseline = importlib.util.module_from_spec(SPEC)
sys.modules["baseline"] = baseline
SPEC.loader.exec_module(baseline)
Ratio = baseline.Ratio


@pytest.mark.parametrize(
    ("kept", "new", "worse"),
    [
        ((1.00, 0.99, 1.01), (1.20, 1.18, 1.22), True),
        ((1.00, 0.99, 1.01), (0.80, 0.79, 0.81), False),  # better
        ((1.00, 0.99, 1.01), (1.03, 1.02, 1.04), False),  # apart, and too little
        ((1.00, 0.80, 1.30), (1.20, 1.10, 1.40), False),  # far, and within what the first run varied by
        ((1.00, 0.99, 1.01), (1.30, 1.00, 1.60), False),  # far, and within what the second varied by
        ((0.10, 0.09, 0.11), (0.13, 0.12, 0.14), True),  # by the share, however small the ratio
    ],
)
def test_worse_is_what_lies_apart_and_far_on_the_bad_side(kept, new, worse):
    assert Ratio(*new).is_worse_than(Ratio(*kept)) is worse
    mirrored = [[1 / median, 1 / high, 1 / low] for median, low, high in (kept, new)]
    assert Ratio(*mirrored[1], more=True).is_worse_than(Ratio(*mirrored[0], more=True)) is worse


def run_of(folder, **medians):
    """Write what pytest-benchmark writes, one ratio a name, and one benchmark that has none."""
    benchmarks = [
        {
            "name": f"test_{name}",
            "stats": {"median": 3.0},
            "extra_info": {
                "ratio": name,
                "median": x,
                "low": 0.99 * x,
                "high": 1.01 * x,
                "more": False,
                "aim": 1.5,
                "pairs": 8,
            },
        }
        for name, x in medians.items()
    ]
    machine = {"python_version": "3.12", "cpu": {"brand_raw": "A processor", "count": 2}}
    file = folder / f"{len(list(folder.iterdir()))}.json"
    plain = {"name": "test_cage", "stats": {"median": 1.0}, "extra_info": {}}
    file.write_text(json.dumps({"machine_info": machine, "benchmarks": [*benchmarks, plain]}))
    return file


@pytest.fixture
def script(tmp_path):
    """Return a function that runs a copy of the script, whose baseline lies beside it."""
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    shutil.copy(FILE, folder)

    def run(*arguments):
        command = [sys.executable, folder / "baseline.py", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


def test_a_regression_fails_with_old_and_new(script, tmp_path):
    assert script("keep", run_of(tmp_path, step=1.0, store=0.5, gone=2.0)).returncode == 0
    same = script("check", run_of(tmp_path, step=1.0, store=0.505, added=1.0))
    assert same.returncode == 0
    assert "1 of the baseline's ratios were not measured" in same.stdout
    assert [line[:6].strip() for line in same.stdout.splitlines()[1:4]] == ["", "", "new"]
    worse = script("check", run_of(tmp_path, step=1.6, store=0.5))
    assert worse.returncode == 1
    (row,) = [line for line in worse.stdout.splitlines() if line.startswith("WORSE")]
    assert row.split("  ")[-1] == "step (aim <= 1.5)"
    assert "1 [0.99, 1.01]" in row
    assert "1.6 [1.58, 1.62]" in row
    assert "1 of 2 ratios" in worse.stderr


def test_what_a_part_of_the_benchmarks_does_not_measure_stays(script, tmp_path):
    script("keep", run_of(tmp_path, step=1.0, store=0.5))
    script("keep", run_of(tmp_path, store=0.7))
    same = script("check", run_of(tmp_path, step=1.0, store=0.7))
    assert same.returncode == 0
    assert "new" not in same.stdout
    assert script("check", run_of(tmp_path, step=1.5)).returncode == 1


def test_few_pairs_are_shown_and_not_judged():
    assert not Ratio(2.0, 2.0, 2.0, pairs=1).is_worse_than(Ratio(1.0, 1.0, 1.0))
    assert Ratio(2.0, 2.0, 2.0, pairs=4).is_worse_than(Ratio(1.0, 1.0, 1.0))


def test_a_run_without_a_ratio_is_no_success(script, tmp_path):
    assert "make bench-baseline" in script("check", run_of(tmp_path, step=1.0)).stderr
    script("keep", run_of(tmp_path, step=1.0))
    assert script("check", run_of(tmp_path)).returncode == 1
    assert script("measure", run_of(tmp_path)).returncode == 1
