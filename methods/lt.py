"""The lottery ticket: train, keep the weights whose magnitude grew most, rewind them to W0, and again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from optuna.distributions import BaseDistribution, FloatDistribution
from torch import nn

from harness.mask import Mask, Scores, largest
from harness.networks import Network, parameter_count
from harness.templates import IterativePruner


@dataclass(frozen=True, kw_only=True)
class LotteryTicket(IterativePruner):
    """Iterative magnitude-increase pruning with rewinding.

    ``variant="released-code"`` counts as the authors' published code does: every tensor of the convolutions and
    linear layers by itself, biases too, floor(rate * kept) dropped in each.
    """

    source = (
        "Frankle & Carbin 2019, Sec. 2; criterion: Zhou et al. 2019, Sec. 3 (magnitude increase); Entezari & Saukh"
        " 2020, Algorithm 1"
    )
    search_space: ClassVar[Mapping[str, BaseDistribution]] = {"rate": FloatDistribution(0.2, 0.8)}

    variant: Literal["exact", "released-code"] = "exact"

    @property
    def density_tolerance(self) -> float:
        """The released code keeps the odd weight of every tensor, and always a tensor's last one."""
        return 0.01 if self.variant == "released-code" else 0.0

    def skip(self, network: Network) -> str | None:
        """Return why the released code's counting does not apply: it knows no norm layers."""
        norms = any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
        if self.variant == "released-code" and norms:
            return "the released code has no rule for batch norm, which it would leave unpruned: use --network alexnet"
        return None

    def scores(self, trained: Network, initial: Network, mask: Mask) -> Scores:
        """Return the magnitude increase of every masked parameter."""
        return magnitude_increase(trained, initial, mask)

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


def magnitude_increase(trained: Network, initial: Network, mask: Mask) -> Scores:
    """Return |w_trained| - |w_initial| by parameter name; a weight that shrank scores below 0 and goes first."""
    before, after = dict(initial.named_parameters()), dict(trained.named_parameters())
    return {name: (after[name].abs() - before[name].abs()).detach() for name in mask}


def prune_each_tensor(scores: Scores, mask: Mask, fraction: float) -> Mask:
    """Return ``mask`` without the floor(fraction * kept) least scores of each tensor, ties by index.

    Source: the released ``train_model.py`` (``int((numel - pruned) * .5)``).
    """
    remaining = {}
    for name, kept in mask.items():
        where = kept.flatten().nonzero().flatten()
        count = len(where) - int(len(where) * fraction)
        chosen = largest(scores[name].flatten()[where].double().numpy(), count)
        flat = torch.zeros(kept.numel(), dtype=torch.bool)
        flat[where[torch.from_numpy(chosen)]] = True
        remaining[name] = flat.view(kept.shape)
    return Mask(remaining, mask.total)
