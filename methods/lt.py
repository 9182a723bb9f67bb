"""The lottery ticket: train, keep the weights that grew most, rewind them to W0, and again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from torch import Tensor, nn

from harness.pruning import IterativePruner, Mask, Network, Scores, keep_largest, parameter_count

Criterion = Literal["magnitude-increase", "distance", "magnitude"]

_CRITERIA: Mapping[Criterion, Callable[[Tensor, Tensor], Tensor]] = {
    "magnitude-increase": lambda trained, initial: trained.abs() - initial.abs(),
    "distance": lambda trained, initial: (trained - initial).abs(),
    "magnitude": lambda trained, initial: trained.abs(),  # noqa: ARG005
}


@dataclass(frozen=True, kw_only=True)
class LotteryTicket(IterativePruner):
    """Iterative pruning with rewinding; each round goes on with the weights that have the largest score.

    ``criterion``: ``magnitude-increase`` is |w_trained| - |w_0|, which the authors' published code computes;
    ``distance`` is |w_trained - w_0|, which fits their prose too; ``magnitude`` is |w_trained|, the first lottery
    ticket's. Zhou et al. call the distance movement; movement pruning (Sanh et al. 2020, arXiv:2005.07683) is another
    method. Tickets are rewound to W0, whose convolutions are pretrained unless ``--weights kaiming``.

    ``variant="released-code"`` counts as that code does: every tensor of the convolutions and linear layers
    by itself, biases too, floor(rate * kept) dropped in each.
    """

    family = "ticket"
    source = (
        "Frankle & Carbin 2019, Sec. 2 (magnitude); other criteria: Zhou et al. 2019, Sec. 3 (magnitude increase,"
        " movement, here distance); Entezari & Saukh 2020, Algorithm 1"
    )
    search_space: ClassVar[Mapping[str, BaseDistribution]] = {
        "rate": FloatDistribution(0.2, 0.8),
        "criterion": CategoricalDistribution(list(_CRITERIA)),
    }

    criterion: Criterion = "magnitude-increase"
    variant: Literal["exact", "released-code"] = "exact"

    @property
    def density_tolerance(self) -> float:
        """The released code keeps the odd weight of every tensor, and always a tensor's last one."""
        return 0.01 if self.variant == "released-code" else 0.0

    def skip(self, network: Network) -> str | None:
        """Return why the released code's counting does not apply, which knows no norm layers, or as the templates."""
        norms = any(isinstance(module, nn.BatchNorm2d | nn.GroupNorm | nn.LayerNorm) for module in network.modules())
        if self.variant == "released-code" and norms:
            return "the released code has no rule for norm layers, which it would leave unpruned: use --network alexnet"
        return super().skip(network)

    def skip_trained(self) -> str | None:
        """Return why a score of what training changed of W0 says nothing of a network that was trained before."""
        if self.criterion == "magnitude":
            return None
        return f"criterion={self.criterion} scores what training changed of W0, which is trained already: use magnitude"

    def scores(self, trained: Network, initial: Network, mask: Mask) -> Scores:
        """Return the criterion's score of every masked parameter."""
        return weight_scores(self.criterion, trained, initial, mask)

    def first_mask(self, initial: Network) -> Mask:
        """Return the mask of round 0; in the released code it covers biases and the smallest layers too."""
        if self.variant == "exact":
            return Mask.ones(initial)
        names = [
            f"{layer}.{name}"
            for layer, module in initial.named_modules()
            if isinstance(module, nn.Conv2d | nn.Linear)
            for name, _ in module.named_parameters()
        ]
        parameters = dict(initial.named_parameters())
        ones = {name: torch.ones(parameters[name].shape, dtype=torch.bool) for name in names}
        return Mask(ones, parameter_count(initial))

    def shrink(self, scores: Scores, mask: Mask, density: float, fraction: float) -> Mask:
        """Return ``mask`` pruned by the variant's rule."""
        if self.variant == "exact":
            return super().shrink(scores, mask, density, fraction)
        return prune_each_tensor(scores, mask, fraction)


def weight_scores(criterion: Criterion, trained: Network, initial: Network, mask: Mask) -> Scores:
    """Return the score of every entry of ``mask`` by parameter name, higher = keep, in the parameters' shapes.

    Under ``magnitude-increase`` a weight that shrank scores below 0 and goes first.
    """
    score = _CRITERIA[criterion]
    before, after = dict(initial.named_parameters()), dict(trained.named_parameters())
    return {name: score(after[name].detach(), before[name].detach()) for name in mask}


def prune_each_tensor(scores: Scores, mask: Mask, fraction: float) -> Mask:
    """Return ``mask`` without the floor(fraction * kept) least scores of each tensor, ties by index.

    Source: the released ``train_model.py`` (``int((numel - pruned) * .5)``).
    """
    kept = {name: int(remaining.sum()) for name, remaining in mask.items()}
    return keep_largest(scores, mask, {name: count - int(count * fraction) for name, count in kept.items()})
