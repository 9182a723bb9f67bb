"""Which layers are batch norms: those whose running statistics follow what they are trained on."""

from torch import nn

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def has_batch_norms(network: nn.Module) -> bool:
    """Return whether ``network`` has a batch norm."""
    return any(isinstance(layer, BATCH_NORMS) for layer in network.modules())
