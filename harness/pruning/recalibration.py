"""Batch norm's statistics, computed anew for a network whose weights were changed without training."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from harness.networks.architecture import Network
from harness.networks.factories import state_of

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def has_norms(network: nn.Module) -> bool:
    """Return whether ``network`` has a batch norm."""
    return any(isinstance(layer, _NORMS) for layer in network.modules())


def recalibrated(network: Network, batches: Sequence[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """Return the state of ``network`` with the running means and variances of ``batches`` (images, labels).

    Of each norm the mean over batches of the batch's mean and (unbiased) variance of its inputs, which are what the
    layers before it make of that batch: norms as in training, all else as in evaluation, so that nothing is dropped.
    Weights stay; ``network`` is changed.

    Source: Frantar & Alistarh 2022 (Optimal Brain Compression), Sec. 6, batch-norm tuning after one-shot pruning.
    """
    network.eval()
    for layer in network.modules():
        if isinstance(layer, _NORMS):
            layer.reset_running_stats()
            layer.momentum = None  # every batch counts alike
            layer.train()
    with torch.no_grad():
        for images, _ in batches:
            network(images)
    return state_of(network)
