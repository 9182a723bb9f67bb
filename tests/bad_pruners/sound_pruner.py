"""A pruner that keeps every rule; the bad ones differ from it in one thing."""

from dataclasses import dataclass

from harness.pruning import Mask, PrunedNetwork, SaliencyPruner, copy_of, prunable_weights, prune_least


def magnitudes(network):
    return {name: weight.detach().abs() for name, weight in prunable_weights(network).items()}


def masked(network, mask):
    pruned = copy_of(network)
    mask.apply_(pruned)
    return PrunedNetwork(pruned, mask)


def pruned_to(network, density, scope="global"):
    """Return ``network`` with its largest weights only."""
    return masked(network, prune_least(magnitudes(network), Mask.ones(network), density, scope))


@dataclass(frozen=True, kw_only=True)
class Sound(SaliencyPruner):
    source = "test"

    def saliency(self, bench, network):
        return magnitudes(network)


@dataclass(frozen=True, kw_only=True)
class Simple(Sound):
    """The same in a loop of its own; `one` gives each level, `before` is called first."""

    def before(self, bench):
        pass

    def one(self, bench, dense, density):
        return pruned_to(dense, density)

    def prune(self, bench, densities):
        self.before(bench)
        dense = bench.dense()
        for density in densities:
            yield PrunedNetwork(dense) if density == 1 else self.one(bench, dense, density)
