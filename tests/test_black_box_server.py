"""A run whose results go to a real MLflow server that is stopped, killed, started again, slow, or behind a proxy."""

import hashlib
import importlib.util
import json
import os
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location("durable", Path(__file__).with_name("durable.py"))
durable = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(durable)
load = durable.load

pytestmark = pytest.mark.slow

COMMANDS, SERVERS = load("commands"), load("servers")
harness = COMMANDS.harness
RUNS = 7  # dense, probe and magnitude, two seeds; and the pictures of the test images
CELLS = 8  # of magnitude two levels
SMALL = ["--densities", "0.25", "--data-dir", "data", "--allow-missing", "--network", "small-cnn", "--jobs", "1"]
SMALL += ["--weights", "kaiming", "--set", "training.max_steps=3", "--set", "training.batch_size=8"]
TINY = ["run", "--methods", "magnitude", "--seeds", "2", *SMALL]
IMPATIENT = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "5", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
AGAIN = "start or mend the server and run the same command again: it trains nothing, it only publishes"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("user")
    load("conftest").write_isic(folder / "data" / "isic", size=72)
    return folder


def made(folder):
    folder.mkdir()
    return SERVERS.MlflowServer(folder)


@pytest.fixture(scope="module")
def undisturbed(place):
    """What the report says of the same command without a server."""
    harness(*TINY, "--store", "calm", cwd=place, check=0)
    return cells(place / "calm")


@pytest.fixture
def server(place, request):
    one = made(place / f"server {request.node.name}")
    yield one
    one.kill()


@pytest.fixture
def proxy(server):
    one = SERVERS.Proxy(server.uri)
    yield one
    one.close()


def cells(store):
    """Return what a store's report says of each cell, but for what two runs of the same do not share."""
    report = json.loads((store / "reports" / "isic" / "results.json").read_text())
    named = {(cell["entry"], cell["seed"], cell["density"]): cell for cell in report["cells"]}
    return {
        key: {
            "status": cell["status"],
            "metrics": {name: value for name, value in cell["metrics"].items() if not name.startswith("cost/")},
        }
        for key, cell in named.items()
    }


def begun(place, uri, store, *arguments, **extra):
    """Start the command."""
    code = f"import os; os.environ.update({IMPATIENT | extra!r})"
    return COMMANDS.start(*TINY, *arguments, "--tracking-uri", uri, "--store", store, cwd=place, code=code)


def told(process):
    """Return what a command has said by now."""
    return (process.output / "err").read_text()


def ended(process, code):
    """Return what the command said; it ends with this exit code."""
    result = process.result()
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr


def asked(server, question):
    path = server.place / "server.db"
    if not path.exists():
        return []
    with closing(sqlite3.connect(path, timeout=30)) as database:
        return database.execute(question).fetchall()


def wait_until(true, process, seconds=120):
    until = time.monotonic() + seconds
    while not true():
        assert not process.ended
        assert time.monotonic() < until
        time.sleep(0.01)


def has_finished_runs(server):
    return lambda: bool(asked(server, "select 1 from runs where status = 'FINISHED'"))


def stages(place, store):
    return {path.name for path in (place / store).glob("stages/*/*")}


def whole(place, server, store, undisturbed):
    """Look that a server has each (entry, seed) once, whole, and that the report is that of an undisturbed run."""
    assert cells(place / store) == undisturbed
    runs = asked(server, "select run_uuid, status from runs where lifecycle_stage = 'active'")
    assert [status for _, status in runs] == ["FINISHED"] * RUNS
    tags = dict(asked(server, "select run_uuid, value from tags where key = 'harness.key'"))
    assert len({tags[run] for run, _ in runs}) == len(runs)
    points = asked(server, "select run_uuid, key, step from metrics")
    assert len(set(points)) == len(points) > 100
    inputs = asked(server, "select destination_id, source_id from inputs")
    assert len(set(inputs)) == len(inputs)
    assert sorted(Counter(run for run, _ in inputs).values()) == [1] + [3] * (RUNS - 1)  # pictures are of test images
    for run, _ in runs:
        (root,) = (server.place / "files").glob(f"*/{run}/artifacts")
        manifest = json.loads((root / "manifest.json").read_text())
        for level in manifest["levels"]:
            for name, known in level["sha256"].items():
                assert hashlib.sha256((root / level["folder"] / name).read_bytes()).hexdigest() == known


def unpublished(place, process, store):
    """Look that everything was trained, and that the command says what is not published and what helps."""
    said = ended(process, 3)
    assert AGAIN in said
    assert f"are kept in {place / store} but not published to MLflow" in said
    assert f"[{CELLS}/{CELLS}]" in said
    return said


def published(place, server, store, undisturbed, uri=""):
    """Give the same command again, to a server that is well: it trains nothing, and all is there once."""
    before = stages(place, store)
    harness(*TINY, "--tracking-uri", uri or server.uri, "--store", store, cwd=place, check=0)
    assert stages(place, store) == before
    whole(place, server, store, undisturbed)


def test_a_server_that_stops_for_a_while_costs_no_training_and_gets_the_rest_by_the_same_command(
    place, server, request
):
    server.begin()
    undisturbed = request.getfixturevalue("undisturbed")  # while the server starts
    server.ready()
    run = begun(place, server.uri, "stopped")
    wait_until(has_finished_runs(server), run)
    server.pause()
    unpublished(place, run, "stopped")
    server.resume()
    published(place, server, "stopped", undisturbed)


@pytest.mark.long
def test_a_server_that_is_killed_and_started_again(place, server, undisturbed):
    server.start()
    run = begun(place, server.uri, "killed")
    wait_until(has_finished_runs(server), run)
    server.kill()
    unpublished(place, run, "killed")
    server.start()
    published(place, server, "killed", undisturbed)


@pytest.mark.long
@pytest.mark.parametrize("how", ["paused", "killed"])
def test_a_server_that_is_back_before_the_end_has_everything_at_the_end(place, server, how):
    server.start()
    run = begun(place, server.uri, f"back {how}", "--set", "training.max_steps=99")
    wait_until(has_finished_runs(server), run)
    server.pause() if how == "paused" else server.kill()
    wait_until(lambda: AGAIN in told(run), run)
    server.resume() if how == "paused" else server.start()
    said = ended(run, 0)
    assert said.count(AGAIN) == 1
    assert len(asked(server, "select 1 from runs where status = 'FINISHED'")) == RUNS


@pytest.mark.long
def test_a_server_that_was_never_there(place, server, undisturbed):
    unpublished(place, begun(place, server.uri, "never"), "never")
    server.start()
    published(place, server, "never", undisturbed)


@pytest.mark.long
@pytest.mark.parametrize("fault", ["an error", "forgotten", "not heard"])
def test_a_proxy_that_fails_from_the_start(place, server, proxy, undisturbed, fault):
    server.start()
    proxy.fail(fault, lambda method, *_: method != "GET")
    said = unpublished(place, begun(place, proxy.uri, f"proxy {fault}"), f"proxy {fault}")
    assert len([line for line in said.splitlines() if "did not take" in line]) <= 2
    proxy.heal()
    published(place, server, f"proxy {fault}", undisturbed, proxy.uri)


@pytest.mark.long
def test_a_slow_server_gets_everything_and_holds_no_training_up(place, server, proxy, undisturbed):
    """Half a second for each request: what does not go out while others train goes out at the end."""
    server.start()
    proxy.rule = lambda *_: time.sleep(0.5) or SERVERS.PASS
    run = begun(place, proxy.uri, "slow")
    wait_until(lambda: f"[{CELLS}/{CELLS}]" in told(run), run)
    assert len(asked(server, "select 1 from runs where status = 'FINISHED'")) < RUNS
    ended(run, 0)
    whole(place, server, "slow", undisturbed)


@pytest.mark.long
@pytest.mark.parametrize("request_", range(5, 90, 20))
def test_a_command_killed_at_a_request_leaves_one_run_and_one_point_per_metric_and_step(
    place, server, proxy, undisturbed, request_
):
    server.start()
    store, running = f"mark {request_}", []

    def rule(method, path, number):
        if number == request_ and running:
            COMMANDS.kill(*COMMANDS.processes())
        return SERVERS.PASS

    proxy.rule = rule
    running.append(begun(place, proxy.uri, store))
    assert running[0].result().returncode == -signal.SIGKILL
    proxy.heal()
    harness(*TINY, "--tracking-uri", server.uri, "--store", store, cwd=place, check=0)
    whole(place, server, store, undisturbed)


@pytest.mark.long
def test_an_interrupt_ends_a_command_that_waits_for_a_server(place, server):
    server.start()
    patient = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "60", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "5"}
    run = begun(place, server.uri, "waiting", **patient)
    wait_until(has_finished_runs(server), run)
    server.pause()
    time.sleep(5)  # its next job is done, and it publishes
    began = time.monotonic()
    os.kill(run.pid, signal.SIGINT)
    ended(run, 130)
    assert time.monotonic() - began < 10


@pytest.mark.long
def test_tuning_behind_a_proxy_that_forgets(place, server, proxy):
    server.start()
    tune = ["tune", "--methods", "lt", *SMALL, "--trials", "2", "--tracking-uri", proxy.uri, "--store", "tuning"]
    proxy.fail("forgotten", lambda method, *_: method != "GET")
    said = harness(*tune, cwd=place, check=3)
    assert "runs are not published to MLflow: run the same command when it answers" in said.stderr
    proxy.heal()
    harness(*tune, cwd=place, check=0)
    runs = asked(server, "select run_uuid, status from runs where lifecycle_stage = 'active'")
    inputs = asked(server, "select destination_id from inputs")
    assert len(runs) > 2  # a study and its trials
    for run, status in runs:
        assert status == "FINISHED"
        assert inputs.count((run,)) == 2  # training and validation: tuning reads no test image
