"""Magnitude pruning in one shot: keep the largest weights of the trained dense network."""

from dataclasses import dataclass

from harness.networks.architecture import Network
from harness.pruning.templates import SaliencyPruner
from harness.pruning.workbench import Workbench
from harness.sparsity.mask import Scores, prunable_weights


@dataclass(frozen=True, kw_only=True)
class ExampleMagnitude(SaliencyPruner):
    """Keep the weights with the largest |w|, ranked over all layers; no retraining."""

    source = "Han et al. 2015, Learning both Weights and Connections for Efficient Neural Networks, Sec. 3"

    def saliency(self, bench: Workbench, network: Network) -> Scores:
        """Return the magnitude of every prunable weight."""
        return {name: weight.detach().abs() for name, weight in prunable_weights(network).items()}
