"""Methods that prune once, at every level by itself: what may follow is the same choice for all of them."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.networks.architecture import Network
from harness.pruning.pruned_network import PrunedNetwork
from harness.pruning.recalibrating import RecalibratingPruner
from harness.pruning.workbench import Workbench
from harness.sparsity.mask import Mask

Retrain = Literal["none", "finetune", "rewind-rate", "rewind-weights"]


@dataclass(frozen=True, kw_only=True)
class OneShotPruner(RecalibratingPruner):
    """Prune a trained network once, then train what is left, or not; each level by itself. Give `pruned`.

    ``retrain``, by the names of Renda, Frankle & Carbin 2020 (arXiv:2003.02389, Sec. 2): ``none`` leaves the remaining
    weights as they are; ``finetune`` trains them on at the schedule's last learning rate; ``rewind-rate`` trains them
    on with the learning rates of the whole schedule; ``rewind-weights`` does so from W0. Each takes as many steps as
    the dense network had.
    """

    level_order = "independent"
    retrain: Retrain = "none"

    @abstractmethod
    def pruned(self, bench: Workbench, network: Network, density: float) -> PrunedNetwork:
        """Return ``network``, what `begun` gives, pruned to ``density`` < 1; it may be changed."""

    def begun(self, bench: Workbench) -> Network:
        """Return the network that is pruned: the trained dense one."""
        return bench.dense()

    def mask_at(self, bench: Workbench, density: float) -> Mask | None:
        """Return the mask of ``density`` < 1, without the training that follows it."""
        return self.pruned(bench, self.begun(bench), density).mask

    def prune(self, bench: Workbench, densities: Sequence[float]) -> Iterator[PrunedNetwork]:
        """Yield the network pruned to each density, trained further or not."""
        for density in densities:
            yield PrunedNetwork(bench.dense()) if density == 1 else self._at(bench, density)

    def retrained(self, bench: Workbench, pruned: PrunedNetwork, density: float) -> PrunedNetwork:
        """Return ``pruned`` after the training that ``retrain`` names."""
        if self.retrain == "none":
            return pruned
        if self.retrain == "rewind-weights":
            pruned = self.rewound(bench, pruned, density)
        schedule = bench.schedule.finetuning() if self.retrain == "finetune" else None
        return PrunedNetwork(bench.train(pruned.network, pruned.mask, round=1, schedule=schedule), pruned.mask)

    def _at(self, bench: Workbench, density: float) -> PrunedNetwork:
        pruned = self.pruned(bench, self.begun(bench), density)
        return self.finished(bench, self.retrained(bench, pruned, density))
