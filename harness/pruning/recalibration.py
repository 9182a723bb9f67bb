"""Batch norm's statistics, computed anew for a network whose weights were changed without training."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from harness.networks.architecture import Network
from harness.networks.factories import state_of

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def has_norms(network: nn.Module) -> bool:
    """Return whether ``network`` has a batch norm."""
    return any(isinstance(layer, _NORMS) for layer in network.modules())


def recalibrated(network: Network, batches: Sequence[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """Return the state of ``network`` with the running means and variances of ``batches`` (images, labels).

    Of each norm the mean over batches of the batch's mean and (unbiased) variance of its inputs, which are what the
    layers before it make of that batch in training mode, without dropout. Weights stay; ``network`` is changed.

    Source: Frantar & Alistarh 2022 (Optimal Brain Compression), Sec. 6, batch-norm tuning after one-shot pruning.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    update_bn(batches, network)
    return state_of(network)
