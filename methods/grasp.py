"""GraSP: keep the weights of the pretrained start W0 whose removal would lower its gradient flow most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from pydantic import Field
from torch import Tensor, nn

from harness.pruning import Network, Replaced, Retrain, SaliencyPruner, Scores, Start, Workbench, prunable_weights

_CHUNK = 16
"""Images per double backward pass: the sums are the same for any number, the memory is not."""


@dataclass(frozen=True, kw_only=True)
class Grasp(SaliencyPruner):
    """Keep the weights of W0 with the largest theta * (H g), ranked over all layers, and train them from W0.

    Removing a weight changes the gradient flow g^T g by -2 theta (H g) to first order: the paper removes the largest
    -theta (H g), whose loss costs least flow or even adds some, which keeps the largest theta (H g). The sign counts;
    no absolute value is taken. Logits are divided by ``temperature`` > 0 (published 200). The paper scores a randomly
    drawn network; W0's convolutions are pretrained unless ``--weights kaiming``.

    The published code scores a class-balanced sample of 10 or 25 images per class. Here ``balanced`` gives both
    classes the same total weight on all of the fixed, stratified scoring set of ``images``: its expectation without
    its noise. ``balanced=False`` weighs every image alike.

    Not copied from the published code: the linear layers of its scoring copy are drawn anew, so it scores weights that
    are never trained; batch norm uses the statistics of each scoring batch, here its own as in every method.
    """

    family = "one shot"
    source = "Wang, Zhang & Grosse 2020, Sec. 4, score -theta Hg of Algorithms 1-2; temperature: released code"
    search_space: ClassVar[Mapping[str, BaseDistribution]] = {
        "images": IntDistribution(64, 512, step=64),
        "temperature": FloatDistribution(1.0, 1000.0, log=True),
        "balanced": CategoricalDistribution([True, False]),
        "scope": CategoricalDistribution(["layer", "global"]),
    }

    start: Start = "W0"
    retrain: Retrain = "rewind-weights"
    images: Annotated[int, Field(ge=1)] = 512
    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 200.0
    balanced: bool = True

    def saliency(self, bench: Workbench, network: Network) -> Scores:
        """Return the contribution to the gradient flow on the fixed scoring set."""
        batches = bench.batches(self.images)
        scores: Scores = bench.compute(gradient_flow, network, batches, self.temperature, self.balanced)
        return scores


def gradient_flow(
    network: Network, batches: Sequence[tuple[Tensor, Tensor]], temperature: float, balanced: bool
) -> dict[str, Tensor]:
    """Return theta * (H g) by weight name, float64: half of what g^T g loses, to first order, without the weight.

    g and H are the gradient and the Hessian of the cross-entropy of logits / ``temperature``, averaged over all
    images, in evaluation mode; ``balanced`` weighs the classes alike. Both are taken over the weights of all
    convolutions and linear layers, those too small to prune among them, as in the published code; biases and norms
    are constants. H g is the gradient of <g, g'> with the first g held fixed, summed chunk by chunk. Derivatives have
    the network's precision, sums are float64: in float32 a mask shares over 99.9 % of its weights with the exact one.
    """
    network.eval()
    weights = [layer.weight for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    chunks = _chunks(batches, balanced)
    totals = [torch.zeros_like(weight, dtype=torch.float64) for weight in weights]
    for chunk in chunks:
        _add(totals, torch.autograd.grad(_loss(network, chunk, temperature), weights))
    flow = [total.to(weight.dtype) for total, weight in zip(totals, weights, strict=True)]
    prunable = prunable_weights(network)
    products = [torch.zeros_like(weight, dtype=torch.float64) for weight in prunable.values()]
    for chunk in chunks:
        gradients = torch.autograd.grad(_loss(network, chunk, temperature), weights, create_graph=True)
        alignment = torch.stack([(total * own).sum() for total, own in zip(flow, gradients, strict=True)]).sum()
        _add(products, torch.autograd.grad(alignment, list(prunable.values())))
    return {name: weight.detach() * product for (name, weight), product in zip(prunable.items(), products, strict=True)}


def _chunks(batches: Sequence[tuple[Tensor, Tensor]], balanced: bool) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Return (images, labels, weights), few images at a time; the weights of all images sum to 1."""
    labels = torch.cat([labels for _, labels in batches]).long()
    counts = torch.bincount(labels, minlength=2).double()
    classes = int((counts > 0).sum())
    share = 1 / (classes * counts) if balanced else torch.full((2,), 1 / len(labels), dtype=torch.float64)
    return [
        (images, labels.long(), share[labels.long()])
        for batch in batches
        for images, labels in zip(*(torch.split(part, _CHUNK) for part in batch), strict=True)
    ]


def _loss(network: Network, chunk: tuple[Tensor, Tensor, Tensor], temperature: float) -> Tensor:
    images, labels, shares = chunk
    with Replaced({F.hardsigmoid: _hardsigmoid}):
        logits = network(images)
    losses = F.cross_entropy(logits / temperature, labels, reduction="none")
    return (shares.to(losses.dtype) * losses).sum()


def _hardsigmoid(values: Tensor, *_: object, **__: object) -> Tensor:
    """Return torch's hard sigmoid, whose own gradient has no derivative."""
    return (values / 6 + 0.5).clamp(0, 1)


def _add(totals: Sequence[Tensor], parts: Sequence[Tensor]) -> None:
    for total, part in zip(totals, parts, strict=True):
        total += part
