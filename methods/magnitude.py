"""Global magnitude pruning: the control that every comparison needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from optuna.distributions import BaseDistribution, CategoricalDistribution

from harness.mask import Scores, prunable_weights
from harness.networks import Network
from harness.templates import Retrain, SaliencyPruner
from harness.workbench import Workbench


@dataclass(frozen=True, kw_only=True)
class Magnitude(SaliencyPruner):
    """Keep the largest weights of the trained network, ranked over all layers, and train them on.

    One ranking over layers of different scales can empty a layer at high sparsity; ``scope="layer"`` cannot.
    """

    source = "Han et al. 2015, Sec. 3, in one shot; scope: Blalock et al. 2020, Sec. 7 (global magnitude)"
    search_space: ClassVar[Mapping[str, BaseDistribution]] = {"scope": CategoricalDistribution(["layer", "global"])}

    retrain: Retrain = "finetune"

    def saliency(self, bench: Workbench, network: Network) -> Scores:  # noqa: ARG002
        """Return the magnitude of every prunable weight."""
        return {name: weight.detach().abs() for name, weight in prunable_weights(network).items()}
