"""Magnitude pruning in one shot: keep the largest weights of the trained dense network."""

from dataclasses import dataclass

from harness.pruning import Network, SaliencyPruner, Scores, Workbench, prunable_weights


@dataclass(frozen=True, kw_only=True)
class ExampleMagnitude(SaliencyPruner):
    """Keep the weights with the largest |w|, ranked over all layers; no retraining."""

    source = "Han et al. 2015, Learning both Weights and Connections for Efficient Neural Networks, Sec. 3"

    def saliency(self, bench: Workbench, network: Network) -> Scores:
        """Return the magnitude of every prunable weight."""
        return {name: weight.detach().abs() for name, weight in prunable_weights(network).items()}
