"""What every check's process needs, loaded once before it is forked; no gradients, whose threads no fork keeps."""

import functools
import gc
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from harness.networks.architecture import Architecture, Network, positive_scores
from harness.sparsity.mask import Mask, prunable_weights
from harness.sparsity.ranking import prune_least
from harness.storage.canonical import digest
from harness.storage.store import Store
from harness.testing.case.networks import check_networks
from harness.testing.case.watched_bench import split, start
from harness.training.inference import outputs_of, validation_auc


def warm_up() -> None:
    """Load the libraries' lazy parts, one thread, and no waiting for the disk."""
    torch.set_num_threads(1)
    os.fsync = _do_not_wait
    for name in ("kaiming_uniform_", "uniform_", "ones_", "zeros_"):
        setattr(nn.init, name, _quick_without_memory(getattr(nn.init, name)))
    with check_networks():
        network = start(Architecture("check-plain"), 0)
    images = split(12, seed=0)
    scores = positive_scores(outputs_of(network, images.images, torch.device("cpu")))
    validation_auc(images.labels.numpy(), scores.numpy())
    weights = {name: weight.detach().abs() for name, weight in prunable_weights(network).items()}
    prune_least(weights, Mask.ones(network), 0.5)
    _step(network)
    with tempfile.TemporaryDirectory() as folder:
        Store(Path(folder)).run("check", {"network": network}, lambda _: {"weights": np.zeros(2)})
    digest(network)
    gc.collect()
    gc.freeze()  # so that collecting in a child does not copy all of this


def _do_not_wait(fd: object) -> None:
    """Stand in for os.fsync: a check's store need not survive a power cut."""


def _quick_without_memory(initialise: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return an initialiser that leaves tensors without memory alone: for them it is slow and does nothing."""

    @functools.wraps(initialise)
    def quick(tensor: Tensor, *arguments: Any, **named: Any) -> Tensor:
        return tensor if tensor.is_meta else initialise(tensor, *arguments, **named)

    return quick


def _step(network: Network) -> None:
    """Take an optimiser step without a backward pass."""
    parameters = list(network.parameters())
    optimiser = torch.optim.SGD(parameters, lr=0.1, momentum=0.9, fused=True)
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    nn.utils.clip_grad_norm_(parameters, 1.0, foreach=True)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
