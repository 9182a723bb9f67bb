"""W0 of a plan: the same for every method of one seed, and its like for a method's own network."""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from harness.data.image_split import ImageSplit
from harness.data.loading import training_splits
from harness.initial.head import initial_network
from harness.initial.pretraining import pretrained_features
from harness.initial.weights_choice import SCRATCH, SIMULATED, own_weights
from harness.initial.weights_file import features_from_file
from harness.networks.architecture import Architecture, Network
from harness.planning.entries import Entry, borrowed_mask
from harness.planning.plan import Plan
from harness.pruning.workbench import Workbench
from harness.storage.store import Store


@dataclass(frozen=True)
class Start:
    """Start networks of one seed: the plan's convolutions under a head redrawn until it responds to ``images``.

    ``images`` are the training images, uint8 (N, 3, S, S).
    """

    plan: Plan
    store: Store
    images: Tensor
    seed: int

    def network(self) -> Network:
        """Return W0 of the plan's network."""
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


def bench_of(plan: Plan, entry: Entry, seed: int, store: Store) -> tuple[Workbench, Network, ImageSplit]:
    """Return an entry's workbench, its W0, and the validation split that its cells are scored on."""
    train, validation = training_splits(plan.data, plan.store)
    start = Start(plan, store, train.images, seed)
    initial = start.network()
    bench = Workbench(
        store=store,
        initial=initial,
        own=start.own,
        train=train,
        validation=validation,
        schedule=plan.training,
        losses=entry.loss,
        seed=seed,
        method=entry.method,
        environment=plan.environment,
        borrow=borrowed_mask,
    )
    return bench, initial, validation
