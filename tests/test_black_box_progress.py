"""What a run says off a terminal: plan and place first, then steps and the time left, the truth at the end."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location("durable", Path(__file__).with_name("durable.py"))
durable = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(durable)

pytestmark = pytest.mark.slow

harness = durable.load("commands").harness
RUN = [
    *("run", "--data-dir", "data", "--allow-missing", "--methods", "lt,snip", "--network", "small-cnn"),
    *("--weights", "kaiming", "--densities", "1,0.25", "--seeds", "1", "--set", "training.max_steps=30"),
    *("--set", "training.batch_size=8", "--jobs", "2", "--store", "store", "--estimate"),
]
CELLS = 2 + 2 * 2
OFTEN = "import harness.progress as p; p.EVERY_S = 0.1; p.GROWTH = 0.0\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("user")
    durable.load("conftest").write_isic(folder / "data" / "isic", size=72)
    return folder


@pytest.fixture(scope="module")
def ran(place):
    """What a dry run said of it, the run itself, and a dry run afterwards."""
    before = harness(*RUN, "--dry-run", "--json", cwd=place, check=0)
    assert not (place / "store").exists()
    run = harness(*RUN, "--json", "--profile", cwd=place, check=0, code=OFTEN)
    return json.loads(before.stdout), run, json.loads(harness(*RUN, "--dry-run", "--json", cwd=place, check=0).stdout)


def test_plan_and_place_come_first_then_the_time_and_no_cell_before(ran, place):
    lines = ran[1].stderr.splitlines()
    first = next(place for place, line in enumerate(lines) if line.startswith("Running "))
    named = [line.split()[0] for line in lines[first : first + 5]]
    assert named == ["Running", "4", "Store", "MLflow", "Report"]
    assert f"{CELLS} cells" in lines[first + 1]
    assert str(place / "store") in lines[first + 2]
    time = next(place for place, line in enumerate(lines) if re.match(r"Time +about \d+ (s|min)", line))
    assert first < time < next(place for place, line in enumerate(lines) if line.startswith("[1/"))


def test_lines_have_steps_and_time_left_and_the_end_has_both_times(ran):
    said = ran[1].stderr
    assert re.search(r"^Training and scoring: \d of 6 cells, about \d+ (s|min) left$", said, re.MULTILINE)
    assert re.search(r"^  (dense|lt|snip)\S* seed 0 at 100 %: training, step \d+ of 30$", said, re.MULTILINE)
    assert re.search(
        r"^Took \d.*; estimated \d+.*\. Computed for \d.* of the processor, estimated \d", said, re.MULTILINE
    )


def test_what_is_for_machines_is_clean_and_has_the_times(ran):
    time = json.loads(ran[1].stdout)["time"]
    assert time["seconds"] > 0
    assert time["estimate"]["cells"] == CELLS
    assert time["estimate"]["unknown"] == {}
    assert time["estimate"]["seconds"] > 0


def test_where_the_time_went_is_what_the_stages_say(ran, place):
    found = json.loads(ran[1].stdout)["profile"]
    spent = {part: times["processor_seconds"] for part, times in found["parts"].items()}
    stages = [json.loads(file.read_text()) for file in place.glob("store/stages/*/*/manifest.json")]
    trained = sum(one["processor_seconds"] for one in stages if one["kind"] in ("train", "probe", "head"))
    computed = sum(one["processor_seconds"] for one in stages if one["kind"] == "compute")
    assert spent["training"] == pytest.approx(trained, rel=0.1, abs=0.2)
    assert spent["methods"] >= computed
    assert found["overhead"] == pytest.approx(1 - (spent["training"] + spent["methods"]) / sum(spent.values()))
    assert all(spent[part] > 0 for part in ("evaluation", "data", "store", "mlflow", "report", "planning", "processes"))
    assert found["parts"]["waiting"]["worker_seconds"] > 0
    assert re.search(r"^training +\d+\.\d +\d+\.\d %", ran[1].stderr, re.MULTILINE)


def test_a_dry_run_takes_off_what_the_store_has(ran):
    before, _, after = ran
    assert (before["estimate"]["cells_in_store"], after["estimate"]["cells_in_store"]) == (0, CELLS)
    assert before["estimate"]["processor_seconds"] > 0
    assert after["estimate"]["processor_seconds"] == 0
    assert after["estimate"]["unknown"] == {}


def test_another_method_needs_no_other_dense_network(place, ran):
    command = [*RUN[:5], "lt,magnitude,snip", *RUN[6:], "--dry-run", "--json"]
    found = json.loads(harness(*command, cwd=place, check=0).stdout)["estimate"]
    assert (found["cells"], found["cells_in_store"]) == (CELLS + 2, CELLS)


@pytest.mark.long
def test_without_an_estimate_nothing_is_timed(place, ran):
    told = harness(*RUN[:-1], "--no-estimate", cwd=place, check=0).stderr
    assert "Running " in told
    assert "Time " not in told
    assert "estimated" not in told
    assert re.search(r"^Took \d", told, re.MULTILINE)
    assert "estimate" not in json.loads(harness(*RUN, "--no-estimate", "--dry-run", "--json", cwd=place).stdout)
