"""Random pruning: the floor that every method must beat at equal retraining."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from optuna.distributions import BaseDistribution, CategoricalDistribution

from harness.pruning import Network, Retrain, SaliencyPruner, Scope, Scores, Start, Workbench, prunable_weights


@dataclass(frozen=True, kw_only=True)
class Random(SaliencyPruner):
    """Uniform scores, seeded; the remaining weights of W0, a pretrained start, are trained as a lottery ticket's are.

    ``start="trained"`` prunes the trained network instead, whose weights ``retrain`` may keep, train on or rewind. With
    ``retrain="rewind-rate"`` it has the budget of methods that train, prune and train on.
    """

    source = "the control of Frankle & Carbin 2019, Sec. 2 (random tickets); here with the winning weights' W0"
    search_space: ClassVar[Mapping[str, BaseDistribution]] = {
        "scope": CategoricalDistribution(["layer", "global", "erk", "uniform+"])
    }

    control = True
    variants: ClassVar[Sequence[Mapping[str, Any]]] = ({}, {"start": "trained", "retrain": "rewind-rate"})

    scope: Scope = "layer"
    start: Start = "W0"
    retrain: Retrain = "rewind-weights"

    def saliency(self, bench: Workbench, network: Network) -> Scores:
        """Return uniform scores in [0, 1)."""
        generator = bench.generator("scores")
        return {
            name: torch.rand(weight.shape, generator=generator) for name, weight in prunable_weights(network).items()
        }
