"""SNIP: connection sensitivity, one shot, of the trained network or of W0, without and with training afterwards."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from pydantic import Field
from torch import Tensor

from harness.pruning import Network, Retrain, SaliencyPruner, Scores, Workbench, prunable_weights


@dataclass(frozen=True, kw_only=True)
class Snip(SaliencyPruner):
    """Keep the connections with the largest |w dL/dw|, ranked over all layers; no retraining.

    Entezari & Saukh prune a trained network. ``start="W0"`` is the order of Lee et al., who score a random network: W0,
    whose convolutions are pretrained unless ``--weights kaiming``, is scored, and what remains is trained once, from
    there. ``images`` is the size of the fixed, stratified, unaugmented scoring set: a single
    mini-batch gives masks that agree in less than half of their weights.

    ``scoring_loss``: ``plain`` cross-entropy, or the loss that the entry's later rounds are ``training`` with: under a
    class-dependent loss this is a class-dependent SNIP. ``gradients``: ``summed`` over all images before the absolute
    value, or the absolute values of each batch of up to 64 (``per-batch``), which do not cancel out between batches.
    """

    family = "one shot"
    source = "Lee, Ajanthan & Torr 2019, equations (5)-(6), Algorithm 1; Entezari & Saukh 2020, Sec. III-C"
    search_space: ClassVar[Mapping[str, BaseDistribution]] = {
        "images": IntDistribution(64, 512, step=64),
        "scope": CategoricalDistribution(["layer", "global"]),
        "scoring_loss": CategoricalDistribution(["plain", "training"]),
        "gradients": CategoricalDistribution(["summed", "per-batch"]),
    }
    variants: ClassVar[Sequence[Mapping[str, Any]]] = ({}, {"start": "W0"})

    images: Annotated[int, Field(ge=1)] = 512
    scoring_loss: Literal["plain", "training"] = "plain"
    gradients: Literal["summed", "per-batch"] = "summed"

    def saliency(self, bench: Workbench, network: Network) -> Scores:
        """Return the connection sensitivity on the fixed scoring set."""
        loss = bench.loss(round=1) if self.scoring_loss == "training" else None
        batches, per_batch = bench.batches(self.images), self.gradients == "per-batch"
        scores: Scores = bench.compute(connection_sensitivity, network, batches, loss, per_batch)
        return scores


@dataclass(frozen=True, kw_only=True)
class SnipRetrain(Snip):
    """SNIP of the trained network, then the remaining weights are trained on from where they are.

    The paper does not say where its retraining starts: ``retrain="rewind-weights"`` starts from W0 instead.
    """

    family = "trained"
    source = 'Entezari & Saukh 2020, Sec. III-C, "SNIP with training"; Lee, Ajanthan & Torr 2019, Algorithm 1'
    variants: ClassVar[Sequence[Mapping[str, Any]]] = ({},)

    retrain: Retrain = "rewind-rate"


def connection_sensitivity(
    network: Network,
    batches: Sequence[tuple[Tensor, Tensor]],
    loss: Callable[[Tensor, Tensor], Tensor] | None = None,
    per_batch: bool = False,
) -> dict[str, Tensor]:
    """Return |w dL/dw| by weight name, L the sum over all batches, in evaluation mode; float64.

    This is |dL/dc| at c = 1 for a factor c on each weight. L is the summed cross-entropy, or a batch's ``loss``, a mean
    over its images, times their number. Gradients are summed before the absolute value, as in Lee et al.'s Algorithm 1,
    or after it with ``per_batch``. Their normalisation changes no ranking and is left out.
    """
    weights = prunable_weights(network)
    network.eval()
    totals = [torch.zeros_like(weight, dtype=torch.float64) for weight in weights.values()]
    for images, labels in batches:
        value = summed_loss(loss, network(images), labels)
        gradients = torch.autograd.grad(value, list(weights.values()))
        for total, gradient in zip(totals, gradients, strict=True):
            total += gradient.abs() if per_batch else gradient
    return {
        name: (weight.detach() * total).abs() for (name, weight), total in zip(weights.items(), totals, strict=True)
    }


def summed_loss(loss: Callable[[Tensor, Tensor], Tensor] | None, logits: Tensor, labels: Tensor) -> Tensor:
    """Return a batch's summed cross-entropy, or its mean ``loss`` times its number of images; a scalar."""
    if loss is None:
        return F.cross_entropy(logits, labels.long(), reduction="sum")
    return loss(logits, labels) * len(labels)
