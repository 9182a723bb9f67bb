"""The command as a user runs it, in another folder, on images made here: output, exit codes, kill and resume."""

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from harness.planning.selection import resolve

SPEC = importlib.util.spec_from_file_location("durable", Path(__file__).with_name("durable.py"))
durable = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(durable)
load = durable.load

pytestmark = pytest.mark.slow

COMMANDS = load("commands")
HARNESS, environment, harness = COMMANDS.HARNESS, COMMANDS.environment, COMMANDS.harness
WHERE = ["--data-dir", "data", "--allow-missing"]  # the images made here are fewer than the publisher's
SMALL = [
    "--network",
    "small-cnn",
    "--weights",
    "kaiming",
    "--densities",
    "1,0.25",
    "--set",
    "training.max_steps=9",
    "--set",
    "training.batch_size=8",
    "--allow-missing",
    "--set",
    "seeds=1",
    "--jobs",
    "2",
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with 48 + 24 images in ISIC-2016's layout, and room to work in."""
    folder = tmp_path_factory.mktemp("user")
    load("conftest").write_isic(folder / "data" / "isic", size=72)
    return folder


FEW = ["run", "--methods", "lt,snip,l-obs,mobilenet", "--data-dir", "data"]
"""One of each kind: many rounds, one shot, layer by layer, and another network."""

EVERY = ["run", "--methods", "all", "--data-dir", "data"]


@pytest.fixture(scope="module")
def every(place):
    """One whole run of every method."""
    return harness(*EVERY, "--store", "every", *SMALL, cwd=place, check=0)


@pytest.fixture(scope="module")
def finished(place):
    """A whole run of a few methods."""
    return harness(*FEW, "--store", "one", *SMALL, cwd=place, check=0)


@pytest.fixture(scope="module")
def quick():
    """Code for commands of which neither the charts nor a new database are the matter."""
    return durable.QUICK.format(template=f"{COMMANDS.folder()}/template.db")


def stage_bits(store):
    """Return the hashes that every stage was committed with; seconds are not among them."""
    manifests = (json.loads(path.read_text()) for path in store.glob("stages/*/*/manifest.json"))
    return {(m["kind"], *sorted(m["sha256"].items())) for m in manifests}


def without_times(text):
    """Return a command's output without processor times, which no two computations share, and their padding."""
    return re.sub(r"CPU [\d.,]+ \w+ *", "CPU", text)


def stage_keys(store):
    return {path.name for path in store.glob("stages/*/*")}


def test_a_run_ends_with_a_table_and_the_report(place, every):
    page = place / "every" / "reports" / "isic" / "index.html"
    assert str(page) in every.stdout
    assert page.stat().st_size > 10_000
    assert (page.parent / "cells.csv").is_file()
    for name in ("lt", "class-dependent-lt", "snip", "l-obs", "mobilenet", "magnitude", "random", "dense"):
        assert name in every.stdout
    assert max(len(line) for line in every.stdout.splitlines() if not line.startswith("Report:")) <= 80


CELLS = 2 + 2 * len(resolve(["all"], {}, None)[0])
"""The two references, and every method dense and pruned."""


def test_progress_is_plain_lines_without_a_terminal(every):
    assert f"[{CELLS}/{CELLS}]" in every.stderr
    assert "\x1b" not in every.stderr


def test_results_are_in_mlflow(place, every):
    from harness.results.mlflow_tracker import default_uri
    from harness.results.reading import read

    store = place / "every"
    results = read(default_uri(store), store, "isic")
    assert set(results.cells["status"]) == {"done"}
    assert len(results.cells) == CELLS
    assert set(results.cells["entry"]) >= {"dense", "lt[rate=0.75]", "snip", "random"}
    assert len(results.scores) == CELLS * (12 + 24)
    done = results.cells.set_index(["entry", "density"])
    # every entry's dense network under the plain loss is the reference itself
    assert done.loc[("snip", 1.0), "test/auc"] == done.loc[("dense", 1.0), "test/auc"]
    for row in results.cells.to_dict("records"):
        mine = results.scores.query("entry == @row['entry'] and density == @row['density'] and split == 'test'")
        missed = ((mine["label"] == 1) & (mine["score"] <= row["threshold/sens95"])).sum()
        assert row["test/fn/sens95"] == missed


def test_the_same_command_again_computes_nothing(place, finished):
    store = place / "one"
    before = stage_keys(store)
    again = harness(*FEW, "--store", "one", *SMALL, "--verbose", cwd=place, check=0)
    assert stage_keys(store) == before
    assert again.stdout == finished.stdout
    assert f"\nstore: {store}\n" in again.stderr
    assert ": computed in " not in again.stderr


def test_a_quiet_run_says_its_results_and_warnings_alone(place, finished):
    quiet = harness(*FEW, "--store", "one", *SMALL, "--quiet", cwd=place, check=0)
    assert quiet.stdout == finished.stdout
    assert all(line.startswith("PARTIAL DATA: ") for line in quiet.stderr.splitlines())


def kill_at(command, place, store, moments, code):
    """Start ``command`` once per moment and SIGKILL it, its workers and jobs when the store has that many stages."""
    for stages in moments:
        process = COMMANDS.start(*command, cwd=place, code=code)
        deadline = time.monotonic() + 200
        while len(stage_keys(store)) < stages and not process.ended and time.monotonic() < deadline:
            time.sleep(0.01)
        COMMANDS.kill(*COMMANDS.processes())
        result = process.result()
        assert result.returncode in (0, -signal.SIGKILL), result.stderr


def written(store, keys):
    return {key: (store / "stages" / key[:2] / key / "value.json").stat().st_mtime_ns for key in keys}


def resumed_equals_uninterrupted(command, place, name, uninterrupted, moments, quick):
    """``uninterrupted``: the store of the same command, which ended, and what it said."""
    store, (whole, said) = place / name, uninterrupted
    command = [*command, "--store", name, *SMALL]
    kill_at(command, place, store, moments, quick)
    done = stage_keys(store)
    assert len(done) >= moments[-1]
    times = written(store, done)
    resumed = harness(*command, cwd=place, check=0, code=quick)
    assert stage_bits(store) == stage_bits(place / whole)
    assert written(store, done) == times, "a finished stage was computed again"
    assert without_times(resumed.stdout.replace(f"/{name}/", f"/{whole}/")) == without_times(said.stdout)


def test_a_run_killed_and_resumed_equals_an_uninterrupted_one(place, finished, quick):
    """kill -9 at two moments, then the same command to its end: the same bits, nothing computed twice."""
    resumed_equals_uninterrupted(FEW, place, "two", ("one", finished), [4, 16], quick)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_run_killed_twenty_times_equals_an_uninterrupted_one(place, every, quick):
    resumed_equals_uninterrupted(EVERY, place, "twenty", ("every", every), list(range(1, 41, 2)), quick)


def test_ctrl_c_stops_with_130_and_says_how_to_go_on(place):
    store = place / "three"
    command = [str(HARNESS), "run", "--methods", "lt", "--data-dir", "data", "--store", "three", *SMALL]
    process = subprocess.Popen(
        command,
        cwd=place,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not stage_keys(store) and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command continues" in errors
    assert "Traceback" not in errors


def test_a_killed_worker_costs_its_job_and_not_the_run(place, quick):
    """SIGKILL to the only worker in mid-training, as the kernel does when memory runs out."""
    store = place / "five"
    arguments = ["run", "--methods", "random", "--data-dir", "data", "--store", "five", *SMALL, "--jobs", "1"]
    process = COMMANDS.start(*arguments, cwd=place, code=quick)
    while not any(kind == "head" for kind, *_ in stage_bits(store)) and not process.ended:
        time.sleep(0.01)
    workers, _ = COMMANDS.workers_and_jobs()
    COMMANDS.kill(*workers)
    killed = process.result()
    assert killed.returncode == 3, killed.stderr
    assert "killed by signal 9" in killed.stderr
    again = harness(*arguments, cwd=place, check=0, code=quick)
    assert "failed" not in again.stderr


def test_a_third_partys_method_runs_by_name(place, finished):
    """The example plugin, installed as its own distribution, beside the built-in methods."""
    plugins = place / "plugins"
    source = shutil.copytree(Path(__file__).parent / "example_plugin", place / "example_plugin")
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--target",
        plugins,
        source,
    ]
    subprocess.run(install, check=True, env=environment(), capture_output=True)
    command = ["run", "--methods", "example-magnitude", "--data-dir", "data", "--store", "one", *SMALL, "--jobs", "1"]
    result = harness(*command, cwd=place, check=0, fresh=True, PYTHONPATH=str(plugins))
    assert "example-magnitude" in result.stdout
    assert "example-magnitude seed 0 at 25 %: validation AUC" in result.stderr
    unknown = harness(*command, cwd=place, check=2)
    assert "unknown method 'example-magnitude'" in unknown.stderr


def test_missing_images_fall_back_loudly_to_simulated_ones(place):
    plan = harness("run", "--data-dir", "nowhere", "--dry-run", cwd=place, check=0)
    assert "SIMULATED DATA" in plan.stderr
    assert "isic-sim" in plan.stdout
    refused = harness("run", "--data-dir", "nowhere", "--real-only", cwd=place, check=4)
    assert "nowhere" in refused.stderr


def test_a_dry_run_counts_and_runs_nothing(place):
    result = harness("run", *WHERE, "--store", "never", "--dry-run", cwd=place, check=0)
    for line in (
        "train: 12 positives, 24 negatives",
        "validation: 4 positives, 8 negatives",
        "test: 8 positives, 16 negatives",
    ):
        assert line in result.stdout
    entries = CELLS // 2 - 1  # at three seeds and three levels, and the references at one
    assert f"{3 * (2 + 3 * entries)}, in {3 * (2 + entries)} jobs" in result.stdout
    assert not (place / "never").exists()
    values = json.loads(harness("run", *WHERE, "--dry-run", "--json", cwd=place, check=0).stdout)
    assert values["cells"] == 3 * (2 + 3 * entries)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--methods", "ltt"], 2, "did you mean 'lt'"),
        (["--dataset", "isik"], 2, "did you mean 'isic'"),
        (["--set", "training.learning_rat=1"], 2, "did you mean 'learning_rate'"),
        (["--densities", "0.5,1.5,0"], 2, "densities"),
        (["--methods", "snip[imagse=3]"], 2, "did you mean 'images'"),
        (["--preset", "quik"], 2, "did you mean 'quick'"),
        (["--loss", "blakc"], 2, "did you mean 'black'"),
        (["--network", "alexnett"], 2, "did you mean 'alexnet'"),
        (["--seeds", "x"], 2, "--seeds"),
        (["--methods", ","], 2, "methods"),
        (["--set", "losses.own.gamma=effective-number(2)", "--loss", "own"], 2, "effective-number"),
        (["--set", "pretraining.dataset=isic"], 2, "is not simulated"),
        (["--set", "parameters.rtae=0.5"], 2, "did you mean 'rate'"),
        (["--config", "missing.toml"], 2, "missing.toml"),
    ],
)
def test_bad_input_is_refused_with_what_where_and_how_to_fix_it(place, arguments, code, words):
    result = harness("run", *WHERE, "--store", "never", *arguments, cwd=place, check=code)
    assert words in result.stderr
    assert not (place / "never").exists()


def test_bad_data_is_refused_whole(place):
    broken = place / "broken"
    shutil.copytree(place / "data", broken)
    images = sorted((broken / "isic" / "ISBI2016_ISIC_Part3_Training_Data").iterdir())
    images[3].write_bytes(b"not an image")
    images[5].write_bytes(images[6].read_bytes()[:200])
    result = harness("run", "--data-dir", "broken", "--store", "never2", *SMALL, cwd=place, check=4)
    assert images[3].name in result.stderr
    assert images[5].name in result.stderr

    images[3].unlink()
    result = harness("run", "--data-dir", "broken", "--dry-run", cwd=place, check=4)
    assert "train: 47 of 900 images" in result.stderr
    assert "train: 16 positives and 32 negatives labelled, 173 and 727 by the publisher" in result.stderr
    result = harness("run", "--data-dir", "broken", "--allow-missing", "--dry-run", cwd=place, check=0)
    assert "PARTIAL DATA" in result.stderr

    labels = broken / "isic" / "ISBI2016_ISIC_Part3_Test_GroundTruth.csv"
    labels.write_text(labels.read_text().replace("1.0", "maybe"))
    result = harness("run", "--data-dir", "broken", "--allow-missing", "--dry-run", cwd=place, check=4)
    assert result.stderr.count("unknown label 'maybe'") == 8


def test_a_dead_server_costs_no_result(place):
    """Nothing listens on port 9: the run finishes, says what is unpublished, exits 3; then it publishes.

    The address's password is nowhere, and what is published holds no path of this machine.
    """
    store = place / "four"
    command = ["run", "--methods", "snip", "--data-dir", place / "data", f"--store={store}", *SMALL]
    address = "http://me:S3CRET@127.0.0.1:9/?token=T0KEN99"
    planned = harness(*command, "--tracking-uri", address, "--dry-run", cwd=place, check=0)
    dead = harness(*command, "--tracking-uri", address, cwd=place, check=3, MLFLOW_HTTP_REQUEST_MAX_RETRIES="0")
    assert "not published" in dead.stderr
    before = stage_keys(store)
    harness(*command, cwd=place, check=0)
    assert stage_keys(store) == before
    for text in (planned.stdout, planned.stderr, dead.stdout, dead.stderr, *map(str, tree(store).values())):
        assert not re.search("S3CRET|T0KEN99", text, re.IGNORECASE)

    harness("publish", place / "site4", "--store", store, cwd=place, check=0)
    for path, content in tree(place / "site4").items():
        for ours in (place, Path.home(), tempfile.gettempdir()):
            assert not re.search(rf"{re.escape(str(ours))}\b".encode(), content), path
    results = json.loads((place / "site4" / "isic" / "small-cnn" / "results.json").read_text())
    assert "--data-dir data --store=four" in results["groups"][0]["provenance"]["command"]


def test_report_and_store_verbs(place, finished):
    harness("report", "--dataset", "isic", "--store", "one", "--output", "elsewhere", cwd=place, check=0)
    assert (place / "elsewhere" / "index.html").is_file()
    (place / "mine").mkdir()
    (place / "mine" / "index.html").write_text("my own page")
    refused = harness("report", "--store", "one", "--output", "mine", cwd=place, check=2)
    assert "did not write: index.html" in refused.stderr
    assert (place / "mine" / "index.html").read_text() == "my own page"
    harness("report", "--store", "one", "--output", "mine/index.html/below", cwd=place, check=5)
    harness("report", "--store", "one", "--output", "elsewhere", cwd=place, check=0)
    shown = harness("report", "--store", "one", "--json", cwd=place, check=0)
    assert json.loads(shown.stdout) == json.loads((place / "one" / "reports" / "isic" / "results.json").read_text())
    usage = harness("store", "--store", "one", cwd=place, check=0).stdout
    assert "train" in usage
    nothing = harness("report", "--dataset", "isic-sim", "--store", "one", cwd=place, check=2)
    assert "no results of 'isic-sim'" in nothing.stderr
    assert "it holds isic" in nothing.stderr


def test_a_reader_that_goes_away_is_no_error(place, finished):
    for verb in ("list", "report --dataset isic --store one"):
        script = f"set -o pipefail; '{HARNESS}' {verb} | true"
        result = subprocess.run(
            ["bash", "-c", script], cwd=place, env=environment(), capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr


def test_list_shows_everything_and_checks_it(place):
    shown = harness("list", "--check", cwd=place, check=0).stdout
    for line in ("methods:", "datasets:", "presets:"):
        assert line in shown
    assert "BROKEN" not in shown


def test_data_verb_counts_positives(place):
    shown = harness("data", "show", "isic", "--data-dir", "data", cwd=place, check=0).stdout
    assert "train: 16 positives, 32 negatives (173 and 727 by the publisher) labelled; 48 of 48 images found" in shown


def test_fetching_says_why_it_cannot(place):
    offline = harness("data", "fetch", "isic", "--data-dir", "empty", cwd=place, check=5)
    assert "HARNESS_OFFLINE" in offline.stderr
    assert not list((place / "empty").rglob("*.jpg"))
    drawn = harness("data", "fetch", "isic-sim", "--data-dir", "empty", cwd=place, check=2)
    assert "isic-sim" in drawn.stderr


def test_absent_images_that_cannot_be_fetched_are_simulated_and_the_reason_is_said(place, quick):
    command = ["run", "--methods", "snip", "--data-dir", "empty", "--store", "six", *SMALL]
    result = harness(*command, cwd=place, check=0, code=quick)
    assert "HARNESS_OFFLINE" in result.stderr
    assert "isic-sim" in result.stdout
    assert not (place / "six" / "reports" / "isic").exists()
    refused = harness(*command, "--real-only", cwd=place, check=4)
    assert "HARNESS_OFFLINE" in refused.stderr


def tree(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_publishing_makes_a_site_and_again_changes_nothing(place, finished):
    site = place / "site"
    first = harness("publish", "site", "--store", "one", cwd=place, check=0)
    assert str(site / "index.html") in first.stdout
    assert (site / "isic" / "small-cnn" / "index.html").is_file()
    results = json.loads((site / "isic" / "small-cnn" / "results.json").read_text())
    assert "l-obs" in json.dumps(results)
    before = tree(site)
    again = harness("publish", "site", "--store", "one", cwd=place, check=0)
    assert "Nothing new" in again.stdout
    assert tree(site) == before


def test_publishing_refuses_what_it_cannot_do(place, finished):
    nothing = harness("publish", "site2", "--store", "nostore", cwd=place, check=2)
    assert "no results" in nothing.stderr
    unknown = harness("publish", "site2", "--store", "one", "--dataset", "isik", cwd=place, check=2)
    assert "it holds isic (did you mean 'isic'?)" in unknown.stderr
    assert not (place / "site2").exists()
    (place / "foreign").mkdir()
    (place / "foreign" / "index.html").write_text("somebody else's page")
    foreign = harness("publish", "foreign", "--store", "one", cwd=place, check=2)
    assert "To fix it" in foreign.stderr
    assert (place / "foreign" / "index.html").read_text() == "somebody else's page"


PRESETS = sorted(path.stem for path in (Path(__file__).parent.parent / "configs").glob("*.toml"))


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("preset", [preset for preset in PRESETS if preset != "quick"])
def test_every_preset_runs_to_its_end(place, preset):
    """Cut short: two steps a stage at 64 px, three levels, one seed; every method and loss that it names."""
    short = ["training.max_steps=2", "pretraining.training.max_steps=2", "training.batch_size=8", "data.size=64"]
    assigned = [part for one in short for part in ("--set", one)]
    command = ["run", "--preset", preset, *WHERE, "--store", f"preset-{preset}", "--seeds", "1"]
    result = harness(*command, "--densities", "1,0.25,0.015625", *assigned, cwd=place, check=0)
    assert "failed" not in result.stderr


def test_help_and_list_load_no_torch(place):
    code = (
        "import sys; from harness.cli.main import main; sys.argv[1:] = {arguments!r}\n"
        "try: main()\nexcept SystemExit as end: assert not end.code, end.code\n"
        "assert not {{'torch', 'mlflow', 'pandas', 'sklearn'}} & set(sys.modules)"
    )
    for arguments in (["--help"], ["run", "--help"], ["list", "methods"], ["list", "datasets"], ["list", "presets"]):
        script = code.format(arguments=arguments)
        result = subprocess.run(
            [sys.executable, "-P", "-c", script],
            cwd=place,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
