"""Faults of what is yielded."""

from dataclasses import dataclass

import torch
from sound_pruner import Simple, Sound, magnitudes, pruned_to

from harness.pruning import Mask, PrunedNetwork, copy_of, prune_least


@dataclass(frozen=True, kw_only=True)
class DeclinesWithTrue(Sound):
    def skip(self, network):
        return True


@dataclass(frozen=True, kw_only=True)
class DeclinesEverything(Sound):
    def skip(self, network):
        return "this method is in no mood to prune"


@dataclass(frozen=True, kw_only=True)
class KnowsLayersByName(Simple):
    def one(self, bench, dense, density):
        assert dense.features.conv3.weight.numel() > 0
        return pruned_to(dense, density)


@dataclass(frozen=True, kw_only=True)
class YieldsOneTooFew(Simple):
    def prune(self, bench, densities):
        yield from list(super().prune(bench, densities))[:-1]


@dataclass(frozen=True, kw_only=True)
class YieldsForever(Simple):
    def prune(self, bench, densities):
        while True:
            yield from super().prune(bench, densities)


@dataclass(frozen=True, kw_only=True)
class YieldsBareNetworks(Simple):
    def one(self, bench, dense, density):
        return pruned_to(dense, density).network


@dataclass(frozen=True, kw_only=True)
class SoftMask(Simple):
    def one(self, bench, dense, density):
        pruned = pruned_to(dense, density)
        return PrunedNetwork(pruned.network, Mask({n: m.float() for n, m in pruned.mask.items()}, pruned.mask.total))


@dataclass(frozen=True, kw_only=True)
class CountsMasksOnly(Simple):
    def one(self, bench, dense, density):
        pruned = pruned_to(dense, density)
        return PrunedNetwork(pruned.network, Mask(dict(pruned.mask), sum(m.numel() for m in pruned.mask.values())))


@dataclass(frozen=True, kw_only=True)
class NotANumber(Simple):
    def one(self, bench, dense, density):
        pruned = pruned_to(dense, density)
        with torch.no_grad():
            pruned.network.features.conv1.bias[0] = float("nan")
        return pruned


@dataclass(frozen=True, kw_only=True)
class ForgetsToApplyItsMask(Simple):
    def one(self, bench, dense, density):
        return PrunedNetwork(dense, pruned_to(dense, density).mask)


@dataclass(frozen=True, kw_only=True)
class MultipliesByItsMask(Simple):
    def one(self, bench, dense, density):
        mask = pruned_to(dense, density).mask
        network = copy_of(dense)
        with torch.no_grad():
            for name, remaining in mask.items():
                network.get_parameter(name).mul_(remaining)
        return PrunedNetwork(network, mask)


@dataclass(frozen=True, kw_only=True)
class WorksByAHook(Simple):
    def one(self, bench, dense, density):
        pruned = pruned_to(dense, density)
        pruned.network.register_forward_hook(lambda _module, _inputs, output: output * 2)
        return pruned


@dataclass(frozen=True, kw_only=True)
class OneNetworkForAllLevels(Simple):
    def prune(self, bench, densities):
        network = bench.dense()
        for density in densities:
            mask = prune_least(magnitudes(network), Mask.ones(network), density, "global")
            mask.apply_(network)
            yield PrunedNetwork(network, mask)


MEANT = [
    (DeclinesWithTrue(), "declines_in_one_sentence", "skip gives True"),
    (DeclinesEverything(), "runs_on_some_network", "declines every network"),
    (KnowsLayersByName(), "runs_on_every_network", "AttributeError"),
    (YieldsOneTooFew(), "one_network_per_density", "yielded 0 networks, expected 1"),
    (YieldsForever(), "one_network_per_density", "yielded at least 2 networks, expected 1"),
    (YieldsBareNetworks(), "one_network_per_density", "yielded a Plain, expected a PrunedNetwork"),
    (SoftMask(), "masks_fit_the_network", "torch.float32"),
    (CountsMasksOnly(), "masks_fit_the_network", "parameters in all, expected 64665"),
    (NotANumber(), "values_are_finite", "features.conv1.bias is not finite"),
    (ForgetsToApplyItsMask(), "pruned_weights_are_zero", "pruned weights of features.conv"),
    (MultipliesByItsMask(), "pruned_weights_are_zero", r"are not \+0.0"),
    (WorksByAHook(), "networks_can_be_rebuilt", "its outputs differ"),
    (OneNetworkForAllLevels(), "later_levels_leave_earlier_ones_alone", "changed after it was yielded"),
]
