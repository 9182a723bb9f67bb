"""Magnitude pruning in one shot: keep the largest weights of the trained dense network."""

from dataclasses import dataclass

from harness.mask import Scores, prunable_weights
from harness.networks import Network
from harness.templates import SaliencyPruner
from harness.workbench import Workbench


@dataclass(frozen=True, kw_only=True)
class ExampleMagnitude(SaliencyPruner):
    """Keep the weights with the largest |w|, ranked over all layers; no retraining."""

    source = "Han et al. 2015, Learning both Weights and Connections for Efficient Neural Networks, Sec. 3"

    def saliency(self, bench: Workbench, network: Network) -> Scores:
        """Return the magnitude of every prunable weight."""
        return {name: weight.detach().abs() for name, weight in prunable_weights(network).items()}
