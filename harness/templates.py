"""Two templates that make the common methods one function long."""

import itertools
import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from harness.mask import Mask, Scope, Scores, prune_least
from harness.networks import copy_of
from harness.pruner import Network, PrunedNetwork, Pruner
from harness.workbench import Workbench

__all__ = ["IterativePruner", "Retrain", "SaliencyPruner"]

Retrain = Literal["none", "finetune", "rewind"]

_SAME = 1e-7
"""Relative difference below which two densities are one: less than a weight in a network of millions."""


@dataclass(frozen=True, kw_only=True)
class SaliencyPruner(Pruner):
    """Score the trained dense network once, keep the highest scores; every level from the same scores.

    ``retrain``: ``none`` keeps the trained weights as they are, ``finetune`` trains the remaining ones on from there,
    ``rewind`` trains them anew from W0; both for as long as the dense network was trained. Give `saliency`.
    """

    levels = "independent"
    scope: Scope = "global"
    retrain: Retrain = "none"

    @abstractmethod
    def saliency(self, bench: Workbench, network: Network) -> Scores:
        """Return one score tensor per prunable weight (see `prunable_weights`), higher = keep, real and finite."""

    def prune(self, bench: Workbench, densities: Sequence[float]) -> Iterator[PrunedNetwork]:
        """Yield the dense network masked to each density, retrained or not."""
        dense = bench.dense()
        everything = Mask.ones(dense)
        scores: Scores | None = None
        for density in densities:
            if density == 1:
                yield PrunedNetwork(dense, everything)
                continue
            scores = scores or self.saliency(bench, dense)
            mask = prune_least(scores, everything, density, self.scope)
            yield PrunedNetwork(self._network(bench, dense, mask), mask)

    def _network(self, bench: Workbench, dense: Network, mask: Mask) -> Network:
        if self.retrain != "none":
            start = dense if self.retrain == "finetune" else bench.network()
            return bench.train(start, mask, round=1)
        pruned = copy_of(dense)
        mask.apply_(pruned)
        return pruned


@dataclass(frozen=True, kw_only=True)
class IterativePruner(Pruner):
    """Train, score, prune, rewind to W0, and again: a fraction ``rate`` of the remaining weights each round.

    Rounds walk the method's own grid 1, 1 - rate, (1 - rate)^2, ...; a density off the grid is a side step from the
    last round before it, so that asking for more or fewer densities never changes the others. Give `scores`.
    """

    rate: Annotated[float, Field(gt=0, lt=1)] = 0.5
    scope: Scope = "layer"

    @abstractmethod
    def scores(self, trained: Network, initial: Network, mask: Mask) -> Scores:
        """Return one score tensor per mask entry, higher = keep."""

    def first_mask(self, initial: Network) -> Mask:
        """Return the mask of round 0, which prunes nothing."""
        return Mask.ones(initial)

    def shrink(self, scores: Scores, mask: Mask, density: float, fraction: float) -> Mask:  # noqa: ARG002
        """Return ``mask`` without ``fraction`` of its weights, which leaves ``density`` of all parameters."""
        return prune_least(scores, mask, density, self.scope)

    def prune(self, bench: Workbench, densities: Sequence[float]) -> Iterator[PrunedNetwork]:
        """Yield the network trained in each density's round."""
        initial = bench.network()
        mask = self.first_mask(initial)
        wanted = list(densities)
        for step in itertools.count():
            trained = bench.train(initial, mask, round=step)
            here, below = (1 - self.rate) ** step, (1 - self.rate) ** (step + 1)
            if wanted and math.isclose(wanted[0], here, rel_tol=_SAME):
                wanted.pop(0)
                yield PrunedNetwork(trained, mask)
            scores = self.scores(trained, initial, mask)
            while wanted and wanted[0] > below * (1 + _SAME):
                density = wanted.pop(0)
                side = self.shrink(scores, mask, density, 1 - density / here)
                yield PrunedNetwork(bench.train(initial, side, round=step + 1), side)
            if not wanted:
                return
            mask = self.shrink(scores, mask, below, self.rate)
