"""Methods whose pruned networks may have their batch norms recalibrated: one choice, the same for all of them."""

from dataclasses import dataclass

from harness.networks.architecture import Network
from harness.networks.batch_norms import has_batch_norms
from harness.networks.factories import build
from harness.pruning.pruned_network import PrunedNetwork
from harness.pruning.pruner import Pruner
from harness.pruning.recalibration import recalibrated
from harness.pruning.workbench import Workbench

IMAGES = 512


@dataclass(frozen=True, kw_only=True)
class RecalibratingPruner(Pruner):
    """A method whose pruned networks may have the batch-norm statistics of the fixed scoring images.

    ``recalibrate`` asks for that; without it they have those of the training that came before.
    """

    recalibrate: bool = False

    def skip(self, network: Network) -> str | None:
        """Return why there is nothing to recalibrate in ``network``, or None."""
        return "it has no batch norm to recalibrate" if self.recalibrate and not has_batch_norms(network) else None

    def finished(self, bench: Workbench, pruned: PrunedNetwork) -> PrunedNetwork:
        """Return ``pruned`` as it is to be yielded. Raises ValueError where there is nothing to recalibrate."""
        if not self.recalibrate:
            return pruned
        if not has_batch_norms(pruned.network):  # a method whose own `skip` forgot to ask this one
            raise ValueError(f"{type(self).__name__} cannot recalibrate a network without batch norm")
        state = bench.compute(recalibrated, pruned.network, bench.batches(IMAGES))
        return PrunedNetwork(build(pruned.network.architecture, state), pruned.mask)
