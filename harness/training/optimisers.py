"""The optimisers of a schedule, and their state as it is kept between epochs."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from harness.training.schedule import Schedule

ADAM_BETAS = (0.9, 0.999)


def optimiser_of(module: nn.Module, schedule: Schedule) -> torch.optim.Optimizer:
    """Return the schedule's optimiser of all parameters of ``module``.

    On a CUDA device the learning rate is a float32 tensor there, which a recorded step reads.

    A pruned weight, zero under a zero gradient, stays zero under either: momentum and moments of it are zero, and decay
    multiplies. AdamW decays kernels and matrices alone, not biases and norms (Loshchilov & Hutter 2019, algorithm 2).
    """
    parameters = list(module.parameters())
    rate: float | Tensor = schedule.learning_rate
    if parameters and parameters[0].is_cuda:
        rate = torch.full((), schedule.learning_rate, device=parameters[0].device)
    if schedule.optimiser == "sgd":
        return torch.optim.SGD(
            parameters,
            lr=rate,
            momentum=schedule.momentum,
            weight_decay=schedule.weight_decay,
            fused=True,
        )
    weights = [parameter for parameter in parameters if parameter.dim() > 1]
    others = [parameter for parameter in parameters if parameter.dim() <= 1]
    groups = [
        {"params": group, "weight_decay": decay}
        for group, decay in ((weights, schedule.weight_decay), (others, 0.0))
        if group
    ]
    return torch.optim.AdamW(groups, lr=rate, betas=ADAM_BETAS, fused=True)


def set_rate(optimiser: torch.optim.Optimizer, learning_rate: float) -> None:
    """Let the next step have this learning rate."""
    for group in optimiser.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(learning_rate)
        else:
            group["lr"] = learning_rate


def start_moments(optimiser: torch.optim.Optimizer) -> None:
    """Have what the optimiser keeps of each parameter now, at zero, as its first step would otherwise make it.

    SGD's first step sets the momentum to the gradient: the same number as 0 times the momentum plus the gradient.
    """
    adam = isinstance(optimiser, torch.optim.AdamW)
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            state = optimiser.state[parameter]
            if adam and not state:
                state["step"] = torch.zeros((), device=parameter.device)
                state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
            elif not adam and group["momentum"] and not state:
                state["momentum_buffer"] = torch.zeros_like(parameter)


def moments_of(optimiser: torch.optim.Optimizer, parameters: Iterable[nn.Parameter]) -> list[dict[str, Tensor]]:
    """Return what the optimiser keeps of each parameter; empty before its first step."""
    kept = [optimiser.state[parameter] for parameter in parameters]
    return [{name: value for name, value in state.items() if isinstance(value, Tensor)} for state in kept]


def restore_moments(
    optimiser: torch.optim.Optimizer, parameters: Iterable[nn.Parameter], moments: Iterable[Mapping[str, Any]]
) -> None:
    """Put back what `moments_of` gave, bit for bit and in the parameters' memory layout."""
    for parameter, kept in zip(parameters, moments, strict=True):
        for name, value in kept.items():
            like = parameter if value.shape == parameter.shape else value
            optimiser.state[parameter][name] = torch.empty_like(like, device=parameter.device).copy_(value).detach()
