"""Batch norm's statistics, computed anew for a network whose weights were changed without training."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from harness.networks.architecture import Network
from harness.networks.batch_norms import BATCH_NORMS
from harness.networks.factories import state_of


def recalibrated(network: Network, batches: Sequence[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """Return the state of ``network`` with the running means and variances of ``batches`` (images, labels).

    Of each norm the mean over images of their batch's mean and (unbiased) variance of its inputs, which are what the
    layers before it make of that batch: norms as in training, all else as in evaluation, so that nothing is dropped.
    A batch of one image has no variance and is left out. Weights stay; ``network`` is changed.

    Source: the idea is Frantar & Alistarh 2022's (Optimal Brain Compression), whose released code resets the statistics
    after pruning and runs 100 augmented batches with momentum .1.
    """
    network.eval()
    for layer in network.modules():
        if isinstance(layer, BATCH_NORMS):
            layer.reset_running_stats()
            layer.train()
    seen = 0
    with torch.no_grad():
        for images, _ in batches:
            if len(images) > 1:
                seen += len(images)
                _count(network, len(images) / seen)
                network(images)
    return state_of(network)


def _count(network: nn.Module, share: float) -> None:
    """Let the next batch have this share of the running statistics."""
    for layer in network.modules():
        if isinstance(layer, BATCH_NORMS):
            layer.momentum = share
