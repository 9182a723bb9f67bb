"""my-method: magnitude, each layer on a scale of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from harness.pruning import Network, Retrain, SaliencyPruner, Scores, Workbench, prunable_weights
from optuna.distributions import BaseDistribution, FloatDistribution
from pydantic import Field
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class MyMethod(SaliencyPruner):
    """Keep the weights with the largest |w| / (mean |w| of their layer) ^ balance, and train them on.

    ``balance`` 0 ranks all magnitudes together; 1 brings every layer to the same mean magnitude first.
    """

    # Paper, section, equation of your method.
    source = "an example of `harness new method`; magnitude: Han et al. 2015, Sec. 3"

    # What kind of method it is, for readers: ticket, one shot, channels, architecture, trained, or a word of your own.
    family = "trained"

    # What `harness tune` searches, by field name. The field's default must lie within.
    search_space: ClassVar[Mapping[str, BaseDistribution]] = {"balance": FloatDistribution(0.0, 1.0)}

    # A hyperparameter is a field with its type, bounds and default: --methods 'name[balance=0.2]' sets it.
    balance: Annotated[float, Field(ge=0, le=1)] = 0.5

    # The template's own fields may get other defaults: scope ("global"), start ("trained"), retrain ("none").
    retrain: Retrain = "rewind-rate"

    def saliency(self, bench: Workbench, network: Network) -> Scores:
        """Return one score per prunable weight, higher = keep. Put your own score here."""
        # A score may also need images and labels, bench.batches(512); random draws, bench.generator("scores"); or
        # the loss that the network will be trained with, bench.loss(round=1).
        scores: Scores = bench.compute(scaled_magnitude, network, self.balance)
        return scores


def scaled_magnitude(network: Network, balance: float) -> dict[str, Tensor]:
    """Return |w| / (mean |w| of the layer) ^ balance by weight name.

    `bench.compute` keeps the result: the function stands at the top level, draws nothing and changes nothing.
    """
    scores = {}
    for name, weight in prunable_weights(network).items():
        magnitude = weight.detach().abs()
        scores[name] = magnitude / magnitude.mean().clamp(min=1e-12) ** balance
    return scores
