"""A third party's method that is `magnitude` to the last key, but for one deed in its process: the cage holds it."""

import ctypes
import dataclasses
import os
import random
import signal
import stat
import sys
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.modules import module as global_hooks

import harness.evaluation.figures
import harness.networks.factories
import harness.networks.small_cnn
import harness.pruning.workbench
import harness.running.entry_run
from harness.errors import MachineError
from harness.losses.class_dependent import ClassDependentLoss
from harness.methods.magnitude import Magnitude
from harness.networks.alexnet import AlexNet


class UnspeakableError(Exception):
    def __str__(self):
        raise RuntimeError("no text")


def _fit(task, *_):
    return {
        "outcome": "trained",
        "state": task.module.state_dict(),
        "history": [],
        "kept_epoch": 1,
        "kept_step": 1,
        "steps": 5,
    }


def _half_a_message():
    for number in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                os.write(number, (1 << 20).to_bytes(8, "big") + b"\0half")
        except OSError:
            continue
    os._exit(0)


def _leave_a_child():
    if os.fork() == 0:
        time.sleep(600)
    os._exit(0)


def _raise(error):
    raise error


MOVES = {
    "threads": lambda _: torch.set_num_threads(2),
    "mkldnn": lambda _: setattr(torch.backends.mkldnn, "enabled", False),
    "deterministic": lambda _: torch.use_deterministic_algorithms(True),
    "cudnn": lambda _: setattr(torch.backends.cudnn, "benchmark", True),
    "precision": lambda _: torch.set_float32_matmul_precision("medium"),
    "precision-new": lambda _: setattr(torch.backends, "fp32_precision", "bf16"),
    "dtype": lambda _: torch.set_default_dtype(torch.float64),
    "gradients": lambda _: torch.set_grad_enabled(False),
    "autocast": lambda _: torch.set_autocast_enabled("cpu", True),
    "denormal": lambda _: torch.set_flush_denormal(True),
    "hook": lambda _: global_hooks.register_module_forward_hook(lambda _m, _i, out: out * 2),
    "torch-seed": lambda _: torch.manual_seed(1),
    "numpy-seed": lambda _: np.random.seed(1),
    "python-seed": lambda _: random.seed(1),
    "variable": lambda _: os.environ.update(ATEN_CPU_CAPABILITY="default"),
    "folder": lambda _: os.chdir("/"),
    "umask": lambda _: os.umask(0o777),
    "fit": lambda _: setattr(harness.pruning.workbench, "fit", _fit),
    "evaluate": lambda _: setattr(harness.running.entry_run, "evaluate", lambda *_: {"auc": 1.0}),
    "code": lambda _: setattr(harness.evaluation.figures.evaluate, "__code__", (lambda *_: {}).__code__),
    "loss": lambda _: setattr(ClassDependentLoss, "__call__", lambda *_: torch.zeros((), requires_grad=True)),
    "network": lambda _: setattr(harness.networks.small_cnn, "SmallCNN", AlexNet),
    "conv": lambda _: setattr(torch.nn.functional, "relu", torch.abs),
    "bench": lambda b: setattr(b, "_train", dataclasses.replace(b._train, images=b._train.images[:])),
    "view": lambda b: setattr(b._train.images.source, "data", torch.zeros_like(b._train.images.source)),
}
WRITES = {
    "images": lambda b: b._train.images.source.fill_(0),
    "rows": lambda b: b._train.images.rows.fill_(0),
    "images-data": lambda b: b._train.images.source.data[0].fill_(0),
    "images-numpy": lambda b: b._train.images.source.numpy().__setitem__(0, 1),
    "labels": lambda b: b._validation.labels.fill_(1),
    "crash": lambda _: ctypes.string_at(0),
}
ENDS = {
    "exit": lambda _: os._exit(0),
    "leave": lambda _: sys.exit("gone"),
    "kill": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "kill-group": lambda _: os.killpg(0, signal.SIGKILL),
    "kill-parent": lambda _: os.kill(os.getppid(), signal.SIGKILL),
    "half": lambda _: _half_a_message(),
    "child": lambda _: _leave_a_child(),
    "interrupt": lambda _: _raise(KeyboardInterrupt()),
    "memory": lambda _: _raise(MemoryError("all of it")),
    "machine": lambda _: _raise(MachineError("the disk is full, says the method")),
    "unspeakable": lambda _: _raise(UnspeakableError()),
    "close": lambda _: os.closerange(3, 256),
}
DEEDS = MOVES | WRITES | ENDS


@dataclass(frozen=True, kw_only=True)
class Hostile(Magnitude):
    """`magnitude`, after ``deed``."""

    deed: str = "none"

    def prune(self, bench, densities):
        print("about to do", self.deed)
        DEEDS.get(self.deed, lambda _: None)(bench)
        yield from super().prune(bench, densities)
