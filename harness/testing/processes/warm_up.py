"""What every check's process needs, loaded once before it is forked; no gradients, whose threads no fork keeps."""

import gc
import os
import tempfile
from collections.abc import Callable

import torch
from torch import Tensor, nn

from harness.running.warm_up import step_without_gradients
from harness.testing.case.networks import NETWORKS, check_networks
from harness.testing.case.watched_bench import first_of


def warm_up() -> None:
    """Make the networks, load the optimiser's lazy parts, and wait for no disk."""
    torch.set_num_threads(1)
    tempfile.gettempdir()  # found by writing a file, once a process: no method's doing
    os.fsync = _do_not_wait
    for name in ("kaiming_uniform_", "uniform_", "ones_", "zeros_"):
        setattr(nn.init, name, _quick_without_memory(getattr(nn.init, name)))
    with check_networks():
        for name in NETWORKS:
            network = first_of(name)
    step_without_gradients(network)
    gc.collect()
    gc.freeze()  # so that collecting in a child does not copy all of this


def _do_not_wait(fd: object) -> None:
    """Stand in for os.fsync: a check's store need not survive a power cut."""


def _quick_without_memory(initialise: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return an initialiser that leaves tensors without memory alone: for them it is slow and does nothing."""
    return lambda tensor, *given, **named: tensor if tensor.is_meta else initialise(tensor, *given, **named)
