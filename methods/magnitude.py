"""Global magnitude pruning: the control that every comparison needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from optuna.distributions import BaseDistribution, CategoricalDistribution
from torch import Tensor

from harness.pruning import Network, Retrain, SaliencyPruner, Scores, Workbench, prunable_weights


@dataclass(frozen=True, kw_only=True)
class Magnitude(SaliencyPruner):
    """Keep the largest weights of the trained network, ranked over all layers, and train them on.

    One ranking over layers of different scales can empty a layer at high sparsity. ``score="lamp"`` weighs each weight
    against the larger ones of its layer, so that none is emptied before its last weight's turn; ``scope="layer"`` gives
    all layers the same density, ``"erk"`` and ``"uniform+"`` those of the literature.
    """

    family = "trained"
    source = (
        "Han et al. 2015, Sec. 3, in one shot; scope: Blalock et al. 2020, Sec. 7 (global magnitude); lamp: Lee et al."
        " 2021, arXiv:2010.07611, equation (3)"
    )
    search_space: ClassVar[Mapping[str, BaseDistribution]] = {
        "scope": CategoricalDistribution(["layer", "global", "erk", "uniform+"]),
        "score": CategoricalDistribution(["magnitude", "lamp"]),
    }

    score: Literal["magnitude", "lamp"] = "magnitude"
    retrain: Retrain = "rewind-rate"

    def saliency(self, bench: Workbench, network: Network) -> Scores:  # noqa: ARG002
        """Return the magnitude of every prunable weight, or its `lamp_score`."""
        score = lamp_score if self.score == "lamp" else torch.abs
        return {name: score(weight.detach()) for name, weight in prunable_weights(network).items()}


def lamp_score(weights: Tensor) -> Tensor:
    """Return w^2 over the sum of u^2 for all weights u of the layer from w upwards; float64, in (0, 1].

    Upwards by magnitude, ties by decreasing index, so that the layer's largest weight has score 1.
    """
    squares = weights.double().flatten().square()
    order = squares.flip(0).sort(stable=True).indices
    order = len(squares) - 1 - order
    rising = squares[order]
    above = rising.flip(0).cumsum(0).flip(0)
    scores = torch.zeros_like(squares)
    scores[order] = torch.where(above > 0, rising / above, 0.0)
    return scores.view(weights.shape)
