"""Faults of cost and fairness."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from sound_pruner import Simple, Sound, magnitudes, pruned_to

from harness.pruning import PrunedNetwork, prunable_weights, state_of


def loss_of(network, batches):
    images, labels = batches[0]
    return F.cross_entropy(network(images), labels.long())


def fit_a_step(network, batches):
    optimiser = torch.optim.SGD(network.parameters(), lr=0.01)
    loss_of(network, batches).backward()
    optimiser.step()
    return state_of(network)


@dataclass(frozen=True, kw_only=True)
class TrainsOnItsOwn(Simple):
    def one(self, bench, dense, density):
        pruned = pruned_to(dense, density)
        fit_a_step(pruned.network, bench.batches(48))
        pruned.mask.apply_(pruned.network)
        return pruned


@dataclass(frozen=True, kw_only=True)
class TrainsInCompute(Simple):
    def one(self, bench, dense, density):
        pruned = pruned_to(dense, density)
        pruned.network.load_state_dict(bench.compute(fit_a_step, pruned.network, bench.batches(48)))
        pruned.mask.apply_(pruned.network)
        return pruned


@dataclass(frozen=True, kw_only=True)
class ScoresWithoutPaying(Sound):
    def saliency(self, bench, network):
        weights = prunable_weights(network)
        gradients = torch.autograd.grad(loss_of(network, bench.batches(48)), list(weights.values()))
        return {name: gradient.abs() for name, gradient in zip(weights, gradients, strict=True)}


@dataclass(frozen=True, kw_only=True)
class LooksWithoutPaying(Sound):
    def saliency(self, bench, network):
        with torch.no_grad():
            size = float(loss_of(network, bench.batches(48)))
        return {name: score * (1 + size) for name, score in magnitudes(network).items()}


@dataclass(frozen=True, kw_only=True)
class LooksThroughAPart(Sound):
    def saliency(self, bench, network):
        first = next(module for module in network.modules() if isinstance(module, torch.nn.Conv2d))
        with torch.no_grad():
            size = float(first(bench.batches(48)[0][0]).abs().mean())
        return {name: score * (1 + size) for name, score in magnitudes(network).items()}


@dataclass(frozen=True, kw_only=True)
class RetrainsInRoundZero(Simple):
    def one(self, bench, dense, density):
        mask = pruned_to(dense, density).mask
        return PrunedNetwork(bench.train(dense, mask, round=0), mask)


@dataclass(frozen=True, kw_only=True)
class NeverTrains(Simple):
    def prune(self, bench, densities):
        for density in densities:
            yield PrunedNetwork(bench.dense()) if density == 1 else pruned_to(bench.network(), density)


MEANT = [
    (TrainsOnItsOwn(), "trains_with_the_bench_alone", "optimiser steps in no stage"),
    (TrainsInCompute(), "trains_with_the_bench_alone", "optimiser steps in compute"),
    (ScoresWithoutPaying(), "costly_work_is_in_stages", "backward passes"),
    (LooksWithoutPaying(), "costly_work_is_in_stages", "images went through a network"),
    (LooksThroughAPart(), "costly_work_is_in_stages", "images went through a network"),
    (RetrainsInRoundZero(), "pruned_networks_train_in_later_rounds", "round=0"),
    (NeverTrains(), "loss_reaches_the_networks", "at density 0.6, 0.25 the same bits"),
]
