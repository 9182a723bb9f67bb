"""A cluster of two nodes, of which one is lost in mid-run: the bits of a local run, and nothing lost."""

import functools
import importlib.util
import json
import subprocess
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

if importlib.util.find_spec("ray") is None:
    pytest.skip("RAY IS NOT INSTALLED: no cluster is tested; pip install 'prune-harness[ray]'", allow_module_level=True)

SPEC = importlib.util.spec_from_file_location("durable", Path(__file__).with_name("durable.py"))
durable = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(durable)
nodes = durable.load("ray_cluster")
HARNESS = durable.COMMANDS.HARNESS

PLAN = ["--dataset", "isic-sim", "--network", "small-cnn", "--weights", "kaiming", "--store", "store"]
PLAN += ["--set", "training.max_steps=60", "--set", "training.batch_size=16", "--densities", "1,0.25"]
RUN = ["run", "--methods", "magnitude,lt", "--seeds", "1", *PLAN]
TUNE = ["tune", "--methods", "magnitude", "--trials", "2", *PLAN]


@pytest.fixture
def cluster():
    found = nodes.TestCluster(1)
    yield found
    found.end()


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Return what a command gives on this machine alone: (its JSON, its store's folder)."""

    @functools.cache
    def give(*arguments):
        folder = tmp_path_factory.mktemp("alone")
        return ended(start(arguments, folder)), folder / "store"

    return give


def start(arguments, folder):
    with open(folder / "err", "a") as words:
        return subprocess.Popen(
            [HARNESS, *arguments, "--json"],
            cwd=folder,
            env=durable.COMMANDS.environment(),
            stdout=subprocess.PIPE,
            stderr=words,
            text=True,
        )


def ended(command):
    out, _ = command.communicate(timeout=900)
    assert command.returncode == 0, out
    return json.loads(out)


def cells(told):
    """Return all figures of each cell but costs; each cell is there once."""
    found = {}
    for cell in told["cells"]:
        place = cell["entry"], cell["seed"], cell["density"]
        assert place not in found
        figures = {name: value for name, value in cell["metrics"].items() if durable.lasts(name)}
        found[place] = cell["status"], cell["reason"], figures
    return found


def joined(cluster):
    return ["--executor", "ray", "--ray-address", cluster.address]


def test_a_node_is_lost_in_mid_run_and_another_joins(cluster, alone, tmp_path):
    here, store = alone(*RUN)
    lost = cluster.add()
    command = start([*RUN, *joined(cluster), "--jobs", "2"], tmp_path)
    nodes.until(lambda: list((tmp_path / "store").glob("partial/*")) or len(durable.commits(tmp_path / "store")) > 3)
    nodes.until(lambda: nodes.jobs_below(cluster.raylet(lost)) or command.poll() is not None)
    assert command.poll() is None, "it had ended before a node could be lost"
    victims = cluster.cut(lost)
    assert victims
    joining = cluster.add()
    taken = nodes.until(lambda: nodes.jobs_below(cluster.raylet(joining)) or command.poll() is not None)
    there = ended(command)
    assert taken is not True, "the node that joined was given nothing"
    assert cells(there) == cells(here)
    assert durable.stage_bits(tmp_path / "store") == durable.stage_bits(store)
    assert {cell["status"] for cell in there["cells"]} == {"done"}
    nodes.until(lambda: not left_of(cluster), 30)


def left_of(cluster):
    """Return the workers and jobs that any node still has."""
    return {pid for pid in nodes.parents() if "executors.node_worker" in nodes.command_of(pid)}


def test_without_an_address_ray_is_started_for_the_run_and_ended_with_it(alone, tmp_path):
    here, store = alone(*RUN)
    there = ended(start([*RUN, "--executor", "ray", "--jobs", "1"], tmp_path))
    assert cells(there) == cells(here)
    assert durable.stage_bits(tmp_path / "store") == durable.stage_bits(store)


def test_tuning_gives_the_parameters_of_a_local_one(cluster, alone, tmp_path):
    here, store = alone(*TUNE)
    there = ended(start([*TUNE, *joined(cluster), "--jobs", "1"], tmp_path))
    assert {trial["number"]: trial["value"] for study in there["studies"] for trial in study["trials"]} == {
        trial["number"]: trial["value"] for study in here["studies"] for trial in study["trials"]
    }
    assert durable.stage_bits(tmp_path / "store") == durable.stage_bits(store)


def test_verification_computes_anew_on_a_cluster(cluster, alone):
    _, store = alone(*RUN)
    arguments = ["verify", "--store", str(store), "--rerun", "10%", *joined(cluster)]
    told = ended(start(arguments, store.parent))
    assert told["differences"] == []
    assert told["computed_anew"]


def test_ctrl_c_stops_the_nodes_at_once_and_the_command_continues(cluster, alone, tmp_path):
    here, _ = alone(*RUN)
    arguments = [*RUN, *joined(cluster), "--jobs", "1"]
    command = start(arguments, tmp_path)
    nodes.until(lambda: left_of(cluster) and durable.commits(tmp_path / "store"))
    command.send_signal(2)
    began = time.monotonic()
    command.communicate(timeout=60)
    assert command.returncode == 130
    nodes.until(lambda: not left_of(cluster), 30)
    assert time.monotonic() - began < 60
    kept = durable.commits(tmp_path / "store")
    there = ended(start(arguments, tmp_path))
    assert cells(there) == cells(here)
    assert kept.items() <= durable.commits(tmp_path / "store").items()
