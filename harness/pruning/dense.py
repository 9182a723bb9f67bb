"""The dense network under the plain loss: what every missed positive is counted against."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.pruning.pruned_network import PrunedNetwork
from harness.pruning.pruner import Pruner
from harness.pruning.workbench import Workbench


@dataclass(frozen=True, kw_only=True)
class Dense(Pruner):
    """No pruning. The harness adds it to every run, so that no comparison lacks its reference."""

    source = "the unpruned network"
    gives = None

    def prune(self, bench: Workbench, densities: Sequence[float]) -> Iterator[PrunedNetwork]:
        """Yield the dense network for density 1, the only one it is asked for."""
        for _ in densities:
            yield PrunedNetwork(bench.dense())
