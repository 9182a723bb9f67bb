"""The record as a user meets it: levels by exact density, damage named and mended, a store moved and copied."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location("durable", Path(__file__).with_name("durable.py"))
durable = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(durable)
load = durable.load

pytestmark = pytest.mark.slow

COMMANDS = load("commands")
HARNESS, environment, harness = COMMANDS.HARNESS, COMMANDS.environment, COMMANDS.harness
STORE = "st?re 100%25 #1"
TINY = ["--network", "small-cnn", "--weights", "kaiming", "--set", "training.max_steps=3", "--set"]
TINY += [
    "training.batch_size=8",
    "--jobs",
    "1",
    "--seeds",
    "1",
    "--methods",
    "magnitude",
    "--data-dir",
    "data",
    "--allow-missing",
]


QUICK = durable.QUICK.format(template=f"{COMMANDS.folder()}/template.db")


def run(place, *arguments, store=STORE, **options):
    return harness("run", *TINY, "--store", store, *arguments, cwd=place, code=QUICK, **options)


def report(place, store=STORE, **options):
    return harness("report", "--store", store, cwd=place, code=QUICK, **options)


def cells(place, store=STORE):
    """Return what the report's JSON says of each cell, by entry and density."""
    page = place / store / "reports" / "isic" / "results.json"
    return {(cell["entry"], cell["density"]): cell for cell in json.loads(page.read_text())["cells"]}


def files(place, name, store=STORE):
    return sorted((place / store / "artifacts" / "isic").glob(f"*/artifacts/{name}"))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a store of an odd name, in which a command ran at one density and another near it."""
    folder = tmp_path_factory.mktemp("user")
    load("conftest").write_isic(folder / "data" / "isic", size=72)
    run(folder, "--densities", "0.25", check=0)
    return folder


@pytest.fixture(scope="module")
def neighbours(place):
    """The same command with densities near to those of before, and what the report said before it."""
    before = cells(place)
    return before, run(place, "--densities", "0.25,0.2500000001,0.9999999,0.25001", check=0)


def test_densities_nearer_than_one_parameter_are_one_level_and_said_so(neighbours):
    _, again = neighbours
    assert "density 0.9999999: the same level as 1.0" in again.stderr
    assert "density 0.2500000001: the same level as 0.25" in again.stderr
    assert "[5/5]" in again.stderr


def test_a_later_command_changes_no_published_level_and_every_cell_is_published(place, neighbours):
    before, _ = neighbours
    after = cells(place)
    assert {key: after[key] for key in before} == before
    of_magnitude = {("magnitude", density) for density in (1.0, 0.25, 0.25001)}
    assert set(after) == {("dense", 1.0), ("probe", 1.0), *of_magnitude}
    assert len(files(place, "levels/*/cell.json")) == len(after)


def test_every_file_of_a_store_of_any_name_lies_in_it(place, neighbours):
    assert sorted(path.name for path in place.iterdir()) == ["data", STORE]


@pytest.mark.parametrize("name", ["scores.csv", pytest.param("mask.npz", marks=pytest.mark.long)])
def test_a_missing_file_is_named_the_rest_is_shown_and_the_run_logs_it_again(place, neighbours, name):
    (path,) = files(place, f"levels/0.25/{name}")
    content = path.read_bytes()
    path.unlink()
    told = report(place, check=3)
    identity = path.parents[3].name
    assert f"magnitude seed 0 (run {identity}) at density 0.25: levels/0.25/{name} is missing" in told.stderr
    assert cells(place)["magnitude", 0.25]["status"] == "failed"
    assert cells(place)["magnitude", 0.25001]["status"] == "done"
    site = harness("publish", "site", "--store", STORE, cwd=place, check=3)
    assert identity in site.stderr
    shutil.rmtree(place / "site")
    stages = set((place / STORE).glob("stages/*/*"))
    run(place, "--densities", "0.25", check=0)
    assert set((place / STORE).glob("stages/*/*")) == stages
    assert path.read_bytes() == content
    report(place, check=0)


def test_a_moved_store_is_whole_and_a_copy_is_on_its_own(place, neighbours):
    home = place.parent / "elsewhere"
    home.mkdir()
    shutil.copytree(place / STORE, home / "copy")
    shutil.copytree(place / "data", home / "data")
    before = {path: path.read_bytes() for path in (place / STORE / "artifacts").rglob("*") if path.is_file()}
    database = (place / STORE / "mlflow.db").read_bytes()
    (path,) = files(home, "levels/0.25/scores.csv", "copy")
    path.write_bytes(b"")
    told = report(home, "copy", check=3)
    assert "scores.csv is empty" in told.stderr
    run(home, "--densities", "0.25,0.5", store="copy", check=0)
    assert ("magnitude", 0.5) in cells(home, "copy")
    assert {path: path.read_bytes() for path in (place / STORE / "artifacts").rglob("*") if path.is_file()} == before
    assert (place / STORE / "mlflow.db").read_bytes() == database
    (home / "copy").rename(home / "moved")
    report(home, "moved", check=0)
    assert len(cells(home, "moved")) == 6


def test_a_run_killed_while_it_publishes_leaves_one_point_per_metric_and_step(place, neighbours):
    """Killed at whatever it was doing once the first folder of a level is there."""
    arguments = ["run", *TINY, "--store", "killed", "--densities", "0.5,0.25"]
    process = subprocess.Popen([str(HARNESS), *arguments], cwd=place, env=environment(), stderr=subprocess.DEVNULL)
    while not files(place, "levels/*", "killed") and process.poll() is None:
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    run(place, "--densities", "0.5,0.25", store="killed", check=0)
    points = history(place / "killed")
    assert len({key[:3] for key in points}) == len(points) > 100
    shutil.rmtree(place / "killed")


def history(store):
    """Return (run, metric, step, value) of each point in MLflow's own table."""
    import sqlite3

    with sqlite3.connect(store / "mlflow.db") as database:
        found = database.execute("select run_uuid, key, step, value from metrics").fetchall()
    database.close()
    return found


def test_a_broken_database_and_a_deleted_experiment_are_told_with_what_helps(place, neighbours):
    path = place / "broken" / "mlflow.db"
    shutil.copytree(place / STORE, place / "broken")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    for told in (report(place, "broken", check=5), run(place, "--densities", "0.25", store="broken", check=3)):
        assert f"restore {path} from a copy, or move it away" in told.stderr
    path.rename(place / "broken" / "away.db")
    missing = report(place, "broken", check=5)
    assert "its mlflow.db is missing" in missing.stderr
    assert f"restore {path} from a copy, or give the same commands again" in missing.stderr
    run(place, "--densities", "0.25", store="broken", check=0)
    assert len(cells(place, "broken")) == 4

    from harness.results.mlflow_tracker import Tracker, default_uri

    tracker = Tracker(default_uri(place / "broken"), place / "broken", "isic")
    number = tracker.client.get_experiment_by_name("isic").experiment_id
    tracker.client.delete_experiment(number)
    site = ("publish", "site", "--store", "broken")
    sites = [harness(*site, *one, cwd=place, check=5) for one in ([], ["--dataset", "isic"])]
    for told in (*sites, report(place, "broken", check=5), run(place, "--densities", "0.25", store="broken", check=3)):
        assert f"mlflow experiments restore --experiment-id {number}" in told.stderr
    shutil.rmtree(place / "broken")
