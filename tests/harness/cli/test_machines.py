"""Who computes, by flags."""

import importlib.util
import socket
from functools import partial

import pytest

from harness.cli.machines import Machines
from harness.errors import MachineError, UsageError
from harness.planning.hardware import HERE
from harness.running.executors.local import Workers


def test_without_a_word_it_is_this_machine():
    machines = Machines()
    assert machines.employ(2) is Workers
    assert machines.hardware is HERE
    assert machines.words == "processes of this machine"
    assert machines.values() == {"executor": "local", "ray_address": None}


@pytest.fixture
def has_ray(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: real("json" if name == "ray" else name))


@pytest.mark.parametrize(
    ("executor", "address", "said"),
    [
        ("dask", None, "--executor 'dask' is unknown"),
        ("local", "auto", "add --executor ray"),
        ("ray", "ray://host:1", "write HOST:PORT, or auto"),
        ("ray", "host", "write HOST:PORT, or auto"),
        ("ray", "", "write HOST:PORT, or auto"),
    ],
)
@pytest.mark.usefixtures("has_ray")
def test_what_cannot_be_meant_is_refused(executor, address, said):
    with pytest.raises(UsageError, match=said):
        Machines(executor, address)


@pytest.mark.usefixtures("has_ray")
def test_a_cluster_that_does_not_answer_is_told_at_once():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(MachineError, match=f"no Ray cluster answers at 127.0.0.1:{port}"):
        Machines("ray", f"127.0.0.1:{port}")


def test_without_ray_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MachineError, match=r"pip install 'prune-harness\[ray\]'"):
        Machines("ray")


@pytest.mark.usefixtures("has_ray")
def test_ray_is_connected_to_when_workers_are_asked_for_and_not_before():
    with Machines("ray") as machines:
        assert isinstance(machines.employ(2), partial)
        assert not machines.is_connected
        assert machines.are_here
