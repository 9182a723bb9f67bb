"""A network as its paths from the image to the output: what is left of it where every signal is positive."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.networks.architecture import Network
from harness.networks.replaced import Replaced, Replacement

_ACTIVATIONS = (
    *(F.relu, F.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_, F.relu6, F.hardtanh, F.hardtanh_),
    *(F.leaky_relu, F.leaky_relu_, F.elu, F.elu_, F.celu, F.celu_, F.selu, F.selu_, F.rrelu, F.rrelu_),
    *(F.gelu, F.silu, F.mish, F.hardswish, F.softplus, F.tanh, torch.tanh, Tensor.tanh),
)
_GATES = (torch.sigmoid, Tensor.sigmoid, F.sigmoid, F.hardsigmoid)


def _positive(signal: Tensor, *_: Any, **__: Any) -> Tensor:
    """Return what is positive of a signal; where there is none, nothing passes back either."""
    return F.relu(signal)


def _open(signal: Tensor, *_: Any, **__: Any) -> Tensor:
    """Return (1 + x) / (2 + x), which rises from 1/2 to 1: products neither grow without end nor end at an empty gate.

    A sigmoid does so too, but its gradient is 0 from x = 37 on.
    """
    return (1 + signal) / (2 + signal)


def _product(signal: Tensor, weight: Tensor, *_: Any, **__: Any) -> Tensor:
    return signal * weight.view(1, -1, *[1] * (signal.dim() - 2))


def _batch_norm(
    signal: Tensor,
    running_mean: Any = None,  # noqa: ARG001
    running_var: Any = None,  # noqa: ARG001
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *_: Any,
    **__: Any,
) -> Tensor:
    scaled = signal if weight is None else _product(signal, weight)
    return scaled if bias is None else scaled + bias.view(1, -1, *[1] * (signal.dim() - 2))


def _group_norm(
    signal: Tensor, _groups: int, weight: Tensor | None = None, bias: Tensor | None = None, *_: Any, **__: Any
) -> Tensor:
    return _batch_norm(signal, None, None, weight, bias)


def _layer_norm(
    signal: Tensor, _shape: Any, weight: Tensor | None = None, bias: Tensor | None = None, *_: Any, **__: Any
) -> Tensor:
    scaled = signal if weight is None else signal * weight
    return scaled if bias is None else scaled + bias


def _mean_pool(signal: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, *_: Any, **named: Any) -> Tensor:
    return F.avg_pool2d(signal, kernel_size, stride, padding, ceil_mode=bool(named.get("ceil_mode")))


WITHOUT_ACTIVATIONS: Mapping[Any, Replacement] = dict.fromkeys(_ACTIVATIONS, _positive)
"""Every activation is ReLU, which passes on what is positive as it is."""

ALL_PATHS: Mapping[Any, Replacement] = {
    **WITHOUT_ACTIVATIONS,
    **dict.fromkeys(_GATES, _open),
    **dict.fromkeys((F.prelu, torch.prelu), _product),
    **dict.fromkeys((F.batch_norm, torch.batch_norm, F.instance_norm), _batch_norm),
    F.group_norm: _group_norm,
    F.layer_norm: _layer_norm,
    F.max_pool2d: _mean_pool,
}
"""Besides, gates stay open, norms have no statistics, and a maximum, which would pass one path only, is a mean."""


def output_of_paths(network: Network, images: Tensor) -> Tensor:
    """Return the output (N, 2) of ``network`` with every activation a ReLU, which bends nothing that is positive."""
    with Replaced(WITHOUT_ACTIVATIONS):
        output: Tensor = network(images)
    return output


@torch.no_grad()
def unit_network(network: Network) -> Network:
    """Return a float64 copy in which all that multiplies is positive, and all that adds is 0.

    Weights are 1 over their fan-in, so that signals of deep networks stay as large as the image's; other factors are 1.
    ``network`` itself needs no tensors.
    """
    unit = deepcopy(network).to_empty(device="cpu").double().eval().requires_grad_(True)
    for name, tensor in [*unit.named_parameters(), *unit.named_buffers()]:
        tensor.fill_(0 if name.endswith(("bias", "mean")) else 1)
    for layer in unit.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.weight.fill_(1 / layer.weight[0].numel())
    return unit


def not_a_sum_of_paths(network: Network) -> str | None:
    """Return one sentence why twice the image does not give twice the output once activations are left out, or None."""
    unit, draws = unit_network(network), torch.Generator().manual_seed(0)
    image = torch.rand(1, 3, 64, 64, dtype=torch.float64, generator=draws)  # signals that differ, which norms divide by
    with torch.no_grad():
        for parameter in unit.parameters():
            parameter.mul_(torch.rand(parameter.shape, dtype=torch.float64, generator=draws) + 0.5)
        once, twice = output_of_paths(unit, image), output_of_paths(unit, 2 * image)
    if torch.allclose(twice, 2 * once, rtol=1e-9):
        return None
    return (
        f"{network.architecture} is no sum over paths: it multiplies signals with each other (squeeze-and-excitation),"
        " or divides them by their own size (layer norm)"
    )
