"""What an entry's bench is made of under a plan: splits, W0, and its like for a method's own network."""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from harness.adopted.adopted_network import adopted_network
from harness.data.image_split import Images
from harness.initial.head import initial_network
from harness.initial.pretraining import pretrained_features
from harness.initial.weights_choice import SCRATCH, SIMULATED, is_trained, own_weights
from harness.initial.weights_file import features_from_file
from harness.networks.architecture import Architecture, Network
from harness.planning.plan import Plan
from harness.storage.store import Store


@dataclass(frozen=True)
class InitialNetworks:
    """Start networks of one seed: the plan's convolutions under a head redrawn until it responds to ``images``.

    ``images`` are the training images, uint8 (N, 3, S, S).
    """

    plan: Plan
    store: Store
    images: Images
    seed: int

    def w0(self) -> Network:
        """Return W0 of the plan's network; one that was trained elsewhere is the same for every seed."""
        plan = self.plan
        if is_trained(plan.weights):
            path = Path(plan.weights_file) if plan.weights_file else None
            return adopted_network(self.store, Architecture(plan.network), plan.weights, path)
        return self._drawn(Architecture(self.plan.network), self.plan.weights)

    def own(self, architecture: Architecture) -> Network:
        """Return the start of a method's own network: simulated pretraining where W0 has it, random where not."""
        return self._drawn(architecture, own_weights(self.plan.weights))

    def _drawn(self, architecture: Architecture, weights: str) -> Network:
        features = self._features(architecture, weights)
        return initial_network(self.store, architecture, features, self.images, self.seed, self.plan.environment)

    def _features(self, architecture: Architecture, weights: str) -> dict[str, Tensor] | None:
        if weights == SCRATCH:
            return None
        if weights == SIMULATED:
            plan = self.plan
            return pretrained_features(self.store, architecture, plan.pretraining, plan.data.size, plan.environment)
        return features_from_file(Path(self.plan.weights_file or ""), architecture)
