"""SNIP: connection sensitivity of the trained network, one shot, without and with training afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from pydantic import Field
from torch import Tensor

from harness.mask import Scores, prunable_weights
from harness.networks import Network
from harness.templates import Retrain, SaliencyPruner
from harness.workbench import Workbench


@dataclass(frozen=True, kw_only=True)
class Snip(SaliencyPruner):
    """Keep the connections with the largest |w dL/dw|, ranked over all layers; no retraining.

    The paper prunes a trained network. ``images`` is the size of the fixed, stratified, unaugmented scoring set: a
    single mini-batch gives masks that agree in less than half of their weights.
    """

    source = "Lee, Ajanthan & Torr 2019, equations (5)-(6), Algorithm 1; Entezari & Saukh 2020, Sec. III-C"
    search_space: ClassVar[Mapping[str, BaseDistribution]] = {
        "images": IntDistribution(64, 512, step=64),
        "scope": CategoricalDistribution(["layer", "global"]),
    }

    images: Annotated[int, Field(ge=1)] = 512

    def saliency(self, bench: Workbench, network: Network) -> Scores:
        """Return the connection sensitivity on the fixed scoring set."""
        scores: Scores = bench.compute(connection_sensitivity, network, bench.batches(self.images))
        return scores


@dataclass(frozen=True, kw_only=True)
class SnipRetrain(Snip):
    """SNIP of the trained network, then the remaining weights are trained on from where they are.

    The paper does not say where its retraining starts: ``retrain="rewind"`` starts from W0 instead.
    """

    source = 'Entezari & Saukh 2020, Sec. III-C, "SNIP with training"; Lee, Ajanthan & Torr 2019, Algorithm 1'

    retrain: Retrain = "finetune"


def connection_sensitivity(network: Network, batches: Sequence[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """Return |w dL/dw| by weight name, L the summed cross-entropy over all batches, in evaluation mode.

    This is |dL/dc| at c = 1 for a factor c on each weight. Gradients are summed before the absolute value, as in
    the paper's Algorithm 1; the usual normalisation changes no ranking and is left out.
    """
    weights = prunable_weights(network)
    network.eval()
    totals = [torch.zeros_like(weight, dtype=torch.float64) for weight in weights.values()]
    for images, labels in batches:
        loss = F.cross_entropy(network(images), labels.long(), reduction="sum")
        gradients = torch.autograd.grad(loss, list(weights.values()))
        for total, gradient in zip(totals, gradients, strict=True):
            total += gradient
    return {
        name: (weight.detach() * total).abs() for (name, weight), total in zip(weights.items(), totals, strict=True)
    }
