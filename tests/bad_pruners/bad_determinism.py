"""Faults of repeatability."""

from dataclasses import dataclass

import torch
from sound_pruner import Simple, Sound, magnitudes, pruned_to

from harness.networks import initialise
from harness.pruning import PrunedNetwork, build

CACHE = {}


def drawn(network, generator=None):
    return {name: torch.rand(score.shape, generator=generator) for name, score in magnitudes(network).items()}


@dataclass(frozen=True, kw_only=True)
class DrawsFromGlobalState(Sound):
    def saliency(self, bench, network):
        return drawn(network)


@dataclass(frozen=True, kw_only=True)
class SeedsByHash(Sound):
    def saliency(self, bench, network):
        return drawn(network, torch.Generator().manual_seed(hash("scores") % 2**31))


@dataclass(frozen=True, kw_only=True)
class HasAFixedStart(Simple):
    def prune(self, bench, densities):
        network = build(bench.network().architecture)
        initialise(network, torch.Generator().manual_seed(1))
        for density in densities:
            yield PrunedNetwork(network) if density == 1 else pruned_to(network, density)


@dataclass(frozen=True, kw_only=True)
class RemembersItsScores(Sound):
    def saliency(self, bench, network):
        return CACHE.setdefault("scores", magnitudes(network))


@dataclass(frozen=True, kw_only=True)
class KnowsTheBenchmark(Simple):
    def one(self, bench, dense, density):
        known = dense.architecture.factory in ("alexnet", "check-plain")
        return pruned_to(dense, density, "layer" if known else "global")


def chance(network):
    return drawn(network)


@dataclass(frozen=True, kw_only=True)
class ComputesByChance(Sound):
    def saliency(self, bench, network):
        return bench.compute(chance, network)


MEANT = [
    (DrawsFromGlobalState(), "same_seed_gives_the_same_bits", "in a second run of one seed"),
    (SeedsByHash(), "fresh_process_gives_the_same_bits", "PYTHONHASHSEED"),
    (HasAFixedStart(), "other_seed_gives_other_networks", "seeds 0 and 1 give the same bits"),
    (RemembersItsScores(), "order_of_runs_does_not_matter", "after a run of seed 1"),
    (KnowsTheBenchmark(), "network_name_does_not_matter", "when the network is called"),
    (ComputesByChance(), "computed_results_are_repeatable", "chance gives two results"),
]
