"""The linear probe: what the dense network has to beat before anybody asks what pruning costs it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.pruning.pruned_network import PrunedNetwork
from harness.pruning.pruner import Pruner
from harness.pruning.workbench import Workbench, probed


@dataclass(frozen=True, kw_only=True)
class Probe(Pruner):
    """A logistic regression on the frozen features of W0. The harness adds it to every run, beside `Dense`."""

    source = "Alain & Bengio 2016, Understanding intermediate layers using linear classifier probes, Sec. 3"
    gives = None

    @property
    def density_tolerance(self) -> float:
        """Any: its head is another than the network's, however large that one is."""
        return math.inf

    def prune(self, bench: Workbench, densities: Sequence[float]) -> Iterator[PrunedNetwork]:
        """Yield the probe for density 1, the only one it is asked for."""
        for _ in densities:
            yield PrunedNetwork(probed(bench))
