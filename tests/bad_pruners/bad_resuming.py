"""Faults of stopping and going on, and of numbers that are none."""

import time
from dataclasses import dataclass

import torch
from sound_pruner import Simple, Sound, magnitudes, pruned_to

from harness.pruning import Mask, PrunedNetwork, copy_of, prune_least


def stamped(scores, moment):
    return scores


@dataclass(frozen=True, kw_only=True)
class StampsItsStages(Sound):
    def saliency(self, bench, network):
        return bench.compute(stamped, magnitudes(network), time.time_ns())


@dataclass(frozen=True, kw_only=True)
class LeavesANote(Simple):
    """Its note tells a second process that there was a first one."""

    def prune(self, bench, densities):
        note = bench._store.root / "note"
        again = note.exists()
        note.touch()
        dense = bench.dense()
        for density in densities:
            yield PrunedNetwork(dense) if density == 1 else pruned_to(dense, density, "layer" if again else "global")
        note.unlink()


@dataclass(frozen=True, kw_only=True)
class CannotBeClosed(Simple):
    def prune(self, bench, densities):
        for pruned in super().prune(bench, densities):
            try:
                yield pruned
            except GeneratorExit:
                yield pruned


@dataclass(frozen=True, kw_only=True)
class SwallowsEverything(Simple):
    def prune(self, bench, densities):
        try:
            network = bench.dense()
        except BaseException:
            network = bench.network()
        for density in densities:
            yield PrunedNetwork(network) if density == 1 else pruned_to(network, density)


@dataclass(frozen=True, kw_only=True)
class HidesWhatIsNotANumber(Simple):
    def one(self, bench, dense, density):
        network = copy_of(dense)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.nan_to_num_()
        mask = prune_least(magnitudes(network), Mask.ones(network), density, "global")
        mask.apply_(network)
        return PrunedNetwork(network, mask)


MEANT = [
    (StampsItsStages(), "second_run_replays_from_the_store", "the second run computed"),
    (LeavesANote(), "killed_and_resumed_gives_the_same_bits", "other bits than without a kill"),
    (CannotBeClosed(), "can_be_closed_early", "RuntimeError"),
    (SwallowsEverything(), "lets_the_harness_stop_it", "was swallowed"),
    (HidesWhatIsNotANumber(), "not_a_number_is_reported", "a finite network came out"),
]
