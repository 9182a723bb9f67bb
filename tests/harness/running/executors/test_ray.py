"""What is asked of Ray; its library is not loaded."""

import os
from types import SimpleNamespace

import pytest

from harness.errors import MachineError
from harness.running.executors import ray, survey
from harness.running.executors.ray import RayCluster


def test_what_ray_reads_when_it_is_imported_is_set_before(monkeypatch):
    for name in ("RAY_USAGE_STATS_ENABLED", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.setenv(name, "")  # and so taken back

    def importing():
        assert os.environ["RAY_AUTH_MODE"] == "token"
        assert len(os.environ["RAY_AUTH_TOKEN"]) == 64
        raise KeyboardInterrupt

    monkeypatch.setattr(ray, "_silence", importing)
    with pytest.raises(KeyboardInterrupt):
        RayCluster(None, 1).nodes(0.0)


def node(name, **resources):
    return {"NodeID": name, "Alive": name != "dead", "Resources": resources}


NODES = [node("a", CPU=4.0), node("b", CPU=8.0, GPU=2.0), node("c", CPU=2.0, GPU=1.0), node("dead", CPU=99.0, GPU=9.0)]


@pytest.fixture
def surveyed(monkeypatch):
    """Return a function that surveys nodes without Ray, and what was asked of which."""
    asked = []

    def ask(address, device, nodes):
        cluster = RayCluster(address, 0)
        cluster._ray = SimpleNamespace(nodes=lambda: nodes)

        def answer(of, machine, device):
            asked.append((of["NodeID"], device))
            return machine(device)

        monkeypatch.setattr(cluster, "_asked", answer)
        return cluster.survey(lambda device: (f"class of {device}", "float32"), device)

    def survey_of(nodes):
        monkeypatch.setattr(survey, "_answer", lambda address, device: ask(address, device, nodes))
        return survey.survey("host:1")

    return survey_of, asked


def test_a_gpu_is_asked_when_it_is_wanted_and_once(surveyed):
    survey_of, asked = surveyed
    machines = survey_of(NODES)
    assert machines.has_cuda
    assert (machines.workers("cpu"), machines.workers("cuda")) == (14, 3)
    assert machines.environment("cpu") == "class of cpu"
    assert asked == [("b", "cpu")]
    assert machines.environment("cuda") == "class of cuda"
    assert machines.precision("cuda") == "float32"
    assert asked == [("b", "cpu"), ("b", "cuda")]


def test_a_cluster_without_gpus_has_none(surveyed):
    survey_of, _ = surveyed
    assert not survey_of(NODES[:1]).has_cuda


@pytest.mark.parametrize("nodes", [[], [node("a", GPU=4.0)], [node("dead", CPU=4.0)]])
def test_a_cluster_without_a_core_is_refused(surveyed, nodes):
    survey_of, _ = surveyed
    with pytest.raises(MachineError, match="no node with a CPU"):
        survey_of(nodes)
