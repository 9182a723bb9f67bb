"""Masks: which weights remain (True = remaining), and how many of them a density allows.

Conventions: only weights of convolutions and linear layers are pruned, layers under 100 weights never; density =
parameters left / all parameters of the dense network, so masks, surgery and narrower networks share one axis.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from harness.networks.factories import parameter_count

Scope = Literal["layer", "global", "erk", "uniform+"]
Scores = Mapping[str, Tensor]

SMALLEST_PRUNED_LAYER = 100
"""Layers with fewer weights are never pruned: they cost nothing, and losing one cuts the network in two."""


class DensityUnreachable(ValueError):  # noqa: N818
    """No network of the method has that few, or that many, parameters: the level is skipped with this sentence."""


def prunable_weights(network: nn.Module) -> dict[str, Tensor]:
    """Return the weights that methods prune, by parameter name, in the network's order."""
    return {
        f"{name}.weight": module.weight
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear) and module.weight.numel() >= SMALLEST_PRUNED_LAYER
    }


@dataclass(frozen=True, eq=False)
class Mask(Mapping[str, Tensor]):
    """Remaining weights by parameter name: bool tensors in the parameters' shapes, on the CPU.

    ``total`` is the number of all parameters of the dense network, pruned, unpruned and unprunable.
    """

    key_name: ClassVar[str] = ""
    remaining: Mapping[str, Tensor]
    total: int

    @classmethod
    def ones(cls, network: nn.Module) -> "Mask":
        """Return the mask of ``network`` that prunes nothing."""
        weights = prunable_weights(network)
        return cls(
            {name: torch.ones(weight.shape, dtype=torch.bool) for name, weight in weights.items()},
            parameter_count(network),
        )

    def __getitem__(self, name: str) -> Tensor:
        return self.remaining[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.remaining)

    def __len__(self) -> int:
        return len(self.remaining)

    @property
    def pruned(self) -> int:
        """Number of parameters that the mask removes."""
        return sum(int((~mask).sum()) for mask in self.remaining.values())

    @property
    def kept(self) -> int:
        """Number of parameters left in the whole network, unprunable ones counted."""
        return self.total - self.pruned

    @property
    def density(self) -> float:
        """Parameters left / all parameters, in (0, 1]."""
        return self.kept / self.total

    def apply_(self, network: nn.Module) -> None:
        """Set the pruned weights of ``network`` to +0.0 in place; a product would leave -0.0 behind."""
        parameters = dict(network.named_parameters())
        with torch.no_grad():
            for name, mask in self.remaining.items():
                parameter = parameters[name]
                parameter.masked_fill_(~mask.to(parameter.device), 0.0)
