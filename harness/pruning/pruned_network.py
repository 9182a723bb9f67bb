"""What a method yields."""

from dataclasses import dataclass

from harness.networks.architecture import Network
from harness.sparsity.mask import Mask


@dataclass(frozen=True)
class PrunedNetwork:
    """A network at one level. ``mask`` is None for networks that are small without one."""

    network: Network
    mask: Mask | None = None
