"""The tracker against a real MLflow server, behind a proxy that does not do as it says.

The server is `mlflow server`, a process of its own, over an SQLite file.
"""

import hashlib
import importlib.util
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from harness.errors import MachineError
from harness.results.mlflow_tracker import Tracker
from harness.results.published import Publication, PublishedLevel, UsedData
from harness.results.reading import read

pytestmark = pytest.mark.slow


def _load(name):
    spec = importlib.util.spec_from_file_location(f"shared_{name}", Path(__file__).parents[2] / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SERVERS = _load("servers")
AUCS = {1.0: 0.8, 0.25: 0.7}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    one = SERVERS.MlflowServer(tmp_path_factory.mktemp("server")).start()
    yield one
    one.kill()


@pytest.fixture
def proxy(server):
    one = SERVERS.Proxy(server.uri)
    yield one
    one.close()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    """As a user may set it: these tests meet many faults."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


def publication(key="k"):
    tags = {"kind": "result", "entry": "lt", "method": "lt", "loss": "plain", "seed": "0", "group": "g"}
    return Publication(
        key=key,
        name="lt seed 0",
        tags={f"harness.{name}": value for name, value in tags.items()},
        params={"entry": "lt"},
        levels={density: level(density, auc) for density, auc in AUCS.items()},
        documents={"provenance.json": b'{"by": "us"}'},
        data=[UsedData(name="isic", digest="d", split="train", source_type="code", source="{}", profile="{}")],
    )


def level(density, auc):
    metrics = {"test/auc": auc, "odd": 1 / 3}
    cell = {"density": density, "status": "done", "reason": "", "metrics": metrics}
    scores = f"split,id,label,score\r\ntest,x,1,{auc}\r\n".encode()
    files = {"cell.json": json.dumps(cell).encode(), "scores.csv": scores, "mask.npz": b"\x00\xff"}
    return PublishedLevel(metrics=metrics, files=files, digest=json.dumps(cell))


TABLES = {
    "metrics": "select key, step, value from metrics where run_uuid = ?",
    "params": "select key, value from params where run_uuid = ?",
    "inputs": "select source_type from inputs where destination_id = ?",
}


def held(server, experiment):
    """Return what the server has of an experiment, asked for in its own database and folder."""
    question = (
        "select r.run_uuid, r.status from runs r join experiments e using (experiment_id)"
        " where e.name = ? and r.lifecycle_stage = 'active'"
    )
    with closing(sqlite3.connect(server.place / "server.db")) as database:
        runs = dict(database.execute(question, (experiment,)).fetchall())
        rows = {
            table: sorted(row for run in runs for row in database.execute(one, (run,))) for table, one in TABLES.items()
        }
    files = {
        str(path).partition("artifacts/")[2]: hashlib.sha256(path.read_bytes()).hexdigest()
        for run in runs
        for path in (server.place / "files").glob(f"*/{run}/artifacts/**/*")
        if path.is_file()
    }
    return {"status": list(runs.values()), **rows, "files": files}


@pytest.fixture(scope="module")
def undisturbed(server, tmp_path_factory):
    """What the server has of a publication that nothing disturbed."""
    one = Tracker(server.uri, tmp_path_factory.mktemp("calm"), "undisturbed")
    assert one.publish(publication())
    assert not one.publish(publication())
    found = held(server, "undisturbed")
    assert found["status"] == ["FINISHED"]
    assert len(found["metrics"]) == 4
    assert len(found["files"]) == 8
    return found


def test_a_server_lists_the_data_sets_of_a_run(server, undisturbed, tmp_path):
    one = Tracker(server.uri, tmp_path, "undisturbed")
    (run,) = one.client.search_runs([one._experiment_id(create=False)])
    (listed,) = run.inputs.dataset_inputs
    assert (listed.dataset.name, listed.dataset.digest, listed.tags[0].value) == ("isic", "d", "train")


def disturbed(server, proxy, tmp_path, experiment, fault, when):
    """Publish with a fault and then without one; return what was said of the first, and what the server has."""
    place = tmp_path / experiment
    proxy.fail(fault, when)
    said = ""
    try:
        Tracker(proxy.uri, place, experiment).publish(publication())
    except MachineError as error:
        said = str(error)
    hurt = any(when(*request, number) for number, request in enumerate(proxy.asked))
    proxy.heal()
    one = Tracker(proxy.uri, place, experiment)
    one.publish(publication())
    assert not one.publish(publication())
    return said, held(server, experiment), hurt


def writing(method, *_):
    return method in ("POST", "PUT", "PATCH")


def anything(*_):
    return True


LONG = pytest.mark.long
CASES = [(fault, writing) for fault in ("an error", "forgotten", "a login page", "cut")]
CASES += [pytest.param(fault, writing, marks=LONG) for fault in ("refused", "dropped", "not heard")]
CASES += [pytest.param(fault, anything, marks=LONG) for fault in SERVERS.FAULTS]


@pytest.mark.parametrize(("fault", "when"), CASES, ids=lambda one: getattr(one, "__name__", one))
def test_behind_a_faulty_proxy_nothing_is_said_to_be_published_and_later_all_is_once(
    server, undisturbed, proxy, tmp_path, fault, when, request
):
    said, found, _ = disturbed(server, proxy, tmp_path, request.node.name, fault, when)
    assert "run the same command again: it trains nothing" in said
    assert found == undisturbed
    assert len(read(proxy.uri, tmp_path, request.node.name).cells) == len(AUCS)


@pytest.mark.long
@pytest.mark.parametrize("fault", SERVERS.FAULTS)
def test_whichever_request_fails_the_next_command_leaves_one_whole_run(server, undisturbed, proxy, tmp_path, fault):
    """Each third request of a publication in turn, the faults a different third."""
    for number in range(SERVERS.FAULTS.index(fault) % 3, 1000, 3):
        one = (lambda wanted: lambda *request: request[-1] == wanted)(number)
        said, found, hurt = disturbed(server, proxy, tmp_path, f"{fault} {number}", fault, one)
        if not hurt:
            break
        assert found == undisturbed, (number, said)
    assert number > 30
