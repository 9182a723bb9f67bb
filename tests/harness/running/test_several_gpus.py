"""Workers that take turns at GPUs: here two that compute on the CPU stand for two that see a GPU each."""

import io
import os
import signal
from dataclasses import replace
from importlib import import_module

import pytest
import torch
from rich.console import Console

from harness import cuda
from harness.cuda import Devices
from harness.errors import MachineError, UsageError
from harness.planning.configuration_file import load_configuration
from harness.planning.planner import Flags, build_plan
from harness.progress import Reporter
from harness.running import worker
from harness.running.executors import local
from harness.running.executors.executor import Listener
from harness.running.executors.local import Workers
from harness.running.job_process import forked, fresh
from harness.running.run import prepare

SEEN = """
import os

def tell(plan, job, line):
    line.send(("cell", os.environ.get("CUDA_VISIBLE_DEVICES")))
"""


@pytest.fixture
def plan(isic_folder, tmp_path):
    changes = {"network": "small-cnn", "weights": "kaiming", "methods": ["magnitude"], "data": {"size": 64}}
    options = load_configuration("quick", None, ["training.device=cpu"], {"seeds": 1, **changes})
    return build_plan(options, Flags("quick", isic_folder, tmp_path / "store"))[0]


@pytest.fixture
def tell(tmp_path, monkeypatch):
    """A job that tells which GPU it sees; a spawned process finds it where this one does."""
    (tmp_path / "seen_by_jobs.py").write_text(SEEN)
    monkeypatch.syspath_prepend(tmp_path)
    return import_module("seen_by_jobs").tell


@pytest.fixture
def prepared(plan):
    prepare(plan, Reporter(Console(file=io.StringIO())))
    return plan


def heard(workers, jobs):
    """Return what each of ``jobs`` told, by the place of its worker; a worker gets one job."""
    found, left = {}, list(jobs)
    while left or workers.busy:
        for idle in workers.idle():
            if left and idle.place not in found:
                workers.give(idle, left.pop())
        for message in workers.heard():
            if message.kind == "cell":
                found[message.worker.place] = message.payload
    return found


@pytest.mark.slow
def test_each_worker_and_its_jobs_see_one_gpu_alone(prepared, tell, monkeypatch):
    monkeypatch.setenv(cuda.VISIBLE, "GPU-a,GPU-b")
    monkeypatch.setattr(local, "devices_of", lambda _: ("GPU-a", "GPU-b"))
    with Workers(prepared, tell, 3, Listener()) as workers:
        assert heard(workers, range(3)) == {0: "GPU-a", 1: "GPU-b", 2: "GPU-a"}
        second = next(one for one in workers.workers if one.place == 1)
        os.kill(second.process.pid, signal.SIGKILL)
        while second in workers.workers:
            list(workers.heard())
        while not workers.workers[1].ready:
            list(workers.heard())
        workers.give(workers.workers[1], "again")
        said = [message.payload for message in until_idle(workers) if message.kind == "cell"]
    assert said == ["GPU-b"]
    assert os.environ[cuda.VISIBLE] == "GPU-a,GPU-b"


def until_idle(workers):
    while workers.busy:
        yield from workers.heard()


def test_the_gpus_of_a_plan_are_those_that_this_process_may_use(monkeypatch, plan):
    monkeypatch.setattr(cuda, "devices", lambda: Devices(("A", "A")))
    monkeypatch.setenv(cuda.VISIBLE, "3,1")
    assert local.devices_of(plan) == ()
    assert local.devices_of(on_cuda(plan)) == ("3", "1")


def on_cuda(plan):
    return replace(plan, training=replace(plan.training, device="cuda"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_worker_without_the_gpu_of_its_plan_ends_the_run_in_a_sentence(prepared, tell, monkeypatch):
    monkeypatch.setattr(local, "devices_of", lambda _: ("0",))
    with (
        pytest.raises(MachineError, match="a worker cannot use CUDA"),
        Workers(on_cuda(prepared), tell, 1, Listener()) as workers,
    ):
        heard(workers, range(1))


def test_jobs_are_forked_wherever_a_fork_can_compute(plan, monkeypatch):
    assert worker.how_jobs_start(plan) == (forked, None)
    for can, how in [(True, (forked, worker.begin_on_cuda)), (False, (fresh, worker.start_on_cuda))]:
        monkeypatch.setattr(cuda, "forks_can_use_it", lambda can=can: can)
        assert worker.how_jobs_start(on_cuda(plan)) == how


def test_a_gpu_of_another_name_is_refused_with_what_to_do(plan, monkeypatch):
    monkeypatch.setattr(torch.cuda, "init", lambda: None)
    monkeypatch.setattr(cuda, "devices", lambda: Devices(("NVIDIA T4",)))
    other = replace(on_cuda(plan), environment="torch 2 / NVIDIA H100 / cuda / 1 thread")
    with pytest.raises(UsageError, match=r"NVIDIA T4.*NVIDIA H100") as refused:
        worker.begin_on_cuda(other)
    assert "CUDA_VISIBLE_DEVICES" in refused.value.fix


def test_a_gpu_without_memory_for_another_process_is_that_jobs_failure(plan, monkeypatch):
    def full():
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(torch.cuda, "init", full)
    with pytest.raises(RuntimeError, match="out of memory"):
        worker.begin_on_cuda(on_cuda(plan))
