"""Three templates that make the common methods one function long."""

import itertools
import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor

from harness.networks.architecture import Network
from harness.pruning.one_shot import OneShotPruner, Retrain
from harness.pruning.pruned_network import PrunedNetwork
from harness.pruning.recalibrating import RecalibratingPruner
from harness.pruning.workbench import Workbench
from harness.sparsity.channel_budget import SIZE_TOLERANCE, ChannelScope, remaining_channels
from harness.sparsity.mask import Mask, Scope, Scores
from harness.sparsity.narrowable import not_narrowable
from harness.sparsity.ranking import prune_least
from harness.sparsity.surgery import channel_groups, without_channels

Start = Literal["trained", "W0"]

_SAME = 1e-7
"""Relative difference below which two densities are one: less than a weight in a network of millions."""


@dataclass(frozen=True, kw_only=True)
class SaliencyPruner(OneShotPruner):
    """Score a network once, keep the highest scores; each level by itself. Give `saliency`.

    ``start`` is the network that is scored and pruned: the ``trained`` dense one, or ``W0`` before any training of the
    run. What is pruned at W0 is always trained, once, from there: ``retrain`` leaves no other choice then.
    """

    scope: Scope = "global"
    start: Start = "trained"

    def __post_init__(self) -> None:
        """Refuse a way to train that ``start`` leaves no choice of: a name would tell of what is not done."""
        usual = next(field.default for field in fields(self) if field.name == "retrain")
        if self.start == "W0" and self.retrain != usual:
            raise ValueError("retrain is for start=trained: what is pruned at W0 is always trained from there")

    @abstractmethod
    def saliency(self, bench: Workbench, network: Network) -> Scores:
        """Return one score tensor per prunable weight (see `prunable_weights`), higher = keep, real and finite."""

    def mask(self, bench: Workbench, network: Network, density: float) -> Mask:
        """Return the mask of ``density`` < 1: the highest scores in the method's scope."""
        return prune_least(self.saliency(bench, network), Mask.ones(network), density, self.scope)

    def pruned(self, bench: Workbench, network: Network, density: float) -> PrunedNetwork:
        """Return ``network`` under the method's mask."""
        mask = self.mask(bench, network, density)
        mask.apply_(network)
        return PrunedNetwork(network, mask)

    def begun(self, bench: Workbench) -> Network:
        """Return the network that is scored and pruned."""
        return bench.network() if self.start == "W0" else super().begun(bench)

    def retrained(self, bench: Workbench, pruned: PrunedNetwork, density: float) -> PrunedNetwork:
        """Return ``pruned`` after its training."""
        if self.start == "W0":
            return PrunedNetwork(bench.train(pruned.network, pruned.mask, round=1), pruned.mask)
        return super().retrained(bench, pruned, density)


@dataclass(frozen=True, kw_only=True)
class IterativePruner(RecalibratingPruner):
    """Train, score, prune, rewind to W0, and again: a fraction ``rate`` of the remaining weights each round.

    Rounds walk the method's own grid 1, 1 - rate, (1 - rate)^2, ...; a density off the grid is a side step from the
    last round before it, so that asking for more or fewer densities never changes the others. ``retrain`` as in
    `OneShotPruner`: rounds may go on from the trained weights instead. Give `scores`.
    """

    retrain: Literal["finetune", "rewind-rate", "rewind-weights"] = "rewind-weights"
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
        again = bench.schedule.finetuning() if self.retrain == "finetune" else None
        mask = self.first_mask(initial)
        trained = bench.train(initial, mask, round=0)
        wanted = list(densities)
        if wanted and wanted[0] == 1:
            wanted.pop(0)
            yield PrunedNetwork(trained, mask)
        for step in itertools.count(1):
            start = initial if self.retrain == "rewind-weights" else trained
            scores = self.scores(trained, initial, mask)
            here, below = (1 - self.rate) ** (step - 1), (1 - self.rate) ** step
            while wanted and wanted[0] > below * (1 + _SAME):
                density = wanted.pop(0)
                side = self.shrink(scores, mask, density, 1 - density / here)
                found = bench.train(start, side, round=step, schedule=again)
                yield self.finished(bench, PrunedNetwork(found, side))
            if not wanted:
                return
            mask = self.shrink(scores, mask, below, self.rate)
            trained = bench.train(start, mask, round=step, schedule=again)
            if math.isclose(wanted[0], below, rel_tol=_SAME):
                wanted.pop(0)
                yield self.finished(bench, PrunedNetwork(trained, mask))


@dataclass(frozen=True, kw_only=True)
class ChannelPruner(OneShotPruner):
    """Score the channels of the trained dense network once, and cut the lowest out: what is left is a smaller network.

    Its real parameter count is within 2 % of each density. ``scope``: ``layer`` leaves every group of channels the
    same share, ``global`` ranks all channels together; each group keeps one at least. ``retrain="rewind-weights"`` cuts
    the same channels out of W0 and trains that. Give `channel_saliency`.
    """

    gives = "ticket"
    scope: ChannelScope = "layer"
    retrain: Retrain = "rewind-rate"

    @property
    def density_tolerance(self) -> float:
        """Channels are whole, so that counts come in steps."""
        return SIZE_TOLERANCE

    def skip(self, network: Network) -> str | None:
        """Return why no channel can be cut out of ``network``, or there is nothing to recalibrate, or None."""
        return not_narrowable(network) or super().skip(network)

    @abstractmethod
    def channel_saliency(self, bench: Workbench, network: Network) -> Scores:
        """Return one score tensor (channels,) per name of `channel_groups(network)`, higher = keep, real and finite."""

    def pruned(self, bench: Workbench, network: Network, density: float) -> PrunedNetwork:
        """Return ``network`` without the channels of the least scores."""
        return PrunedNetwork(without_channels(network, self._remaining(bench, network, density)))

    def rewound(self, bench: Workbench, pruned: PrunedNetwork, density: float) -> PrunedNetwork:  # noqa: ARG002
        """Return W0 without the channels that ``density`` < 1 cuts out of the trained network."""
        remaining = self._remaining(bench, bench.dense(), density)
        return PrunedNetwork(without_channels(bench.network(), remaining))

    def _remaining(self, bench: Workbench, network: Network, density: float) -> Mapping[str, Tensor]:
        scores = self.channel_saliency(bench, network)
        return remaining_channels(network, channel_groups(network), scores, density, self.scope)
