"""Faults of densities."""

from dataclasses import dataclass

import torch
from sound_pruner import Simple, magnitudes, masked, pruned_to

from harness.pruning import DensityUnreachable, Mask, PrunedNetwork, parameter_count, prune_least


@dataclass(frozen=True, kw_only=True)
class RoundsInEachLayer(Simple):
    def one(self, bench, dense, density):
        remaining = {}
        for name, score in magnitudes(dense).items():
            kept = score.flatten().argsort(descending=True, stable=True)[: int(score.numel() * density)]
            flat = torch.zeros(score.numel(), dtype=torch.bool)
            flat[kept] = True
            remaining[name] = flat.view(score.shape)
        return masked(dense, Mask(remaining, parameter_count(dense)))


@dataclass(frozen=True, kw_only=True)
class SparsestFirst(Simple):
    def prune(self, bench, densities):
        yield from super().prune(bench, densities[::-1])


@dataclass(frozen=True, kw_only=True)
class RetrainsTheDenseNetwork(Simple):
    def prune(self, bench, densities):
        for density in densities:
            yield (
                PrunedNetwork(bench.train(bench.network(), round=1))
                if density == 1
                else pruned_to(bench.dense(), density)
            )


@dataclass(frozen=True, kw_only=True)
class GoesOnFromTheLastLevelAsked(Simple):
    level_order = "sequential"

    def prune(self, bench, densities):
        network = bench.dense()
        mask = Mask.ones(network)
        for step, density in enumerate(densities):
            mask = prune_least(magnitudes(network), mask, density, "global")
            if density < 1:
                network = bench.train(network, mask, round=step + 1)
            yield PrunedNetwork(network, mask)


@dataclass(frozen=True, kw_only=True)
class CountsItsLevels(Simple):
    level_order = "independent"

    def prune(self, bench, densities):
        dense = bench.dense()
        for index, density in enumerate(densities):
            draws = bench.generator("scores", index)
            scores = {name: torch.rand(score.shape, generator=draws) for name, score in magnitudes(dense).items()}
            yield masked(dense, prune_least(scores, Mask.ones(dense), density, "global"))


@dataclass(frozen=True, kw_only=True)
class KeepsATenthAtLeast(Simple):
    def one(self, bench, dense, density):
        return pruned_to(dense, max(density, 0.1))


@dataclass(frozen=True, kw_only=True)
class CrashesWhereNothingIsLeft(Simple):
    def one(self, bench, dense, density):
        try:
            return pruned_to(dense, density)
        except ValueError:
            raise IndexError("list index out of range") from None


@dataclass(frozen=True, kw_only=True)
class CutsAtAThreshold(Simple):
    def one(self, bench, dense, density):
        scores = magnitudes(dense)
        exact = pruned_to(dense, density).mask
        threshold = max(float(scores[name][~kept].max()) for name, kept in exact.items() if not kept.all())
        return masked(dense, Mask({name: score > threshold for name, score in scores.items()}, exact.total))


@dataclass(frozen=True, kw_only=True)
class RefusesOneAndPrunesNothing(Simple):
    def one(self, bench, dense, density):
        if density > 0.95:
            raise DensityUnreachable("there is no such network")
        return PrunedNetwork(dense, Mask.ones(dense))


@dataclass(frozen=True, kw_only=True)
class PrunesTooLittleThenRefuses(Simple):
    def one(self, bench, dense, density):
        if density < 0.7:
            raise DensityUnreachable("there is no such network")
        return pruned_to(dense, (1 + density) / 2)


@dataclass(frozen=True, kw_only=True)
class RefusesBeforeItYields(Simple):
    level_order = "independent"

    def prune(self, bench, densities):
        if any(0.95 < density < 1 for density in densities):
            raise DensityUnreachable("there is no such network")
        for _ in densities:
            yield PrunedNetwork(bench.dense())


MEANT = [
    (RoundsInEachLayer(), "density_is_exact", "parameters are left, expected"),
    (RefusesOneAndPrunesNothing(), "density_is_exact", "64,665 of 64,665 parameters are left, expected"),
    (PrunesTooLittleThenRefuses(), "density_is_exact", "parameters are left, expected"),
    (RefusesBeforeItYields(), "density_is_exact", "64,665 of 64,665 parameters are left, expected"),
    (SparsestFirst(), "densest_comes_first", "expected them to fall"),
    (RetrainsTheDenseNetwork(), "density_one_is_the_dense_network", "is not bench.dense"),
    (GoesOnFromTheLastLevelAsked(), "densities_leave_each_other_alone", "at density 0.6"),
    (CountsItsLevels(), "independent_levels_are_independent", "other bits alone than together"),
    (KeepsATenthAtLeast(), "extreme_densities_are_handled", "parameters are left, expected"),
    (CrashesWhereNothingIsLeft(), "extreme_densities_are_handled", "IndexError"),
    (CutsAtAThreshold(), "ties_are_cut_exactly", "parameters are left, expected"),
]
