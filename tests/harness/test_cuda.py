import json
import os
import subprocess
import sys

import pytest
import torch

from harness import cuda
from harness.cuda import Devices

AFTER_A_WARM_UP = """
import json, sys
import harness.running.cells, harness.running.warm_up
from harness.cuda import forks_can_use_it
from harness.training.schedule import OPTIMISERS
from torch import nn, cuda

harness.running.warm_up.step_without_gradients(nn.Linear(2, 2))
found = [forks_can_use_it()]
cuda.is_available()
print(json.dumps([*found, forks_can_use_it()]))
"""


@pytest.fixture(autouse=True)
def _nothing_known():
    cuda._found_apart.cache_clear()
    yield
    cuda._found_apart.cache_clear()


@pytest.fixture
def three(monkeypatch):
    monkeypatch.setattr(cuda, "devices", lambda: Devices(("A", "A", "A")))


@pytest.mark.skipif(not torch.backends.cuda.is_built(), reason="this torch has no CUDA")
def test_forks_can_use_cuda_after_the_warm_up_and_not_once_devices_were_counted():
    ran = subprocess.run([sys.executable, "-P", "-c", AFTER_A_WARM_UP], check=True, capture_output=True, text=True)
    assert json.loads(ran.stdout) == [True, False]


@pytest.mark.skipif(not torch.backends.cuda.is_built(), reason="this torch has no CUDA")
def test_devices_are_asked_for_once_and_in_another_process(monkeypatch):
    monkeypatch.setattr(cuda, "_in_bad_fork", lambda: False)
    monkeypatch.setattr(cuda, "_found", lambda: Devices((str(os.getpid()),), bfloat16=True))
    found = cuda.devices()
    assert found.bfloat16
    assert found.names != (str(os.getpid()),)
    assert cuda.devices() is found


@pytest.mark.skipif(not torch.backends.cuda.is_built(), reason="this torch has no CUDA")
def test_a_process_whose_forks_cannot_use_cuda_is_asked_itself(monkeypatch):
    monkeypatch.setattr(cuda, "_in_bad_fork", lambda: True)
    monkeypatch.setattr(cuda, "_found", lambda: Devices((str(os.getpid()),)))
    assert cuda.devices().names == (str(os.getpid()),)


@pytest.mark.parametrize(
    ("said", "names"),
    [
        (None, ("0", "1", "2")),
        ("2, 0,1", ("2", "0", "1")),
        ("GPU-8932f937,MIG-GPU-8932f937/1/0,7", ("GPU-8932f937", "MIG-GPU-8932f937/1/0", "7")),
        ("4,5,6,-1,7", ("4", "5", "6")),  # what comes after a number that is none is not seen
    ],
)
def test_each_device_has_the_name_by_which_a_process_sees_it_alone(three, monkeypatch, said, names):
    monkeypatch.delenv(cuda.VISIBLE, raising=False)
    if said is not None:
        monkeypatch.setenv(cuda.VISIBLE, said)
    assert cuda.visible() == names


def test_no_device_has_no_name(monkeypatch):
    monkeypatch.setattr(cuda, "devices", Devices)
    monkeypatch.setenv(cuda.VISIBLE, "")
    assert cuda.visible() == ()
