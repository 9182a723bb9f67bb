"""A network with fewer channels: tensors of other shapes, and the numbers that its layers say of themselves."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

Shapes = Mapping[str, Sequence[int]]
"""Shapes by tensor name, of parameters and buffers."""


def differing_shapes(state: Mapping[str, Tensor], published: Mapping[str, Tensor]) -> dict[str, list[int]]:
    """Return the shapes of ``state``'s tensors that are not those of ``published``."""
    return {name: list(tensor.shape) for name, tensor in state.items() if tensor.shape != published[name].shape}


def narrow_(network: nn.Module, shapes: Shapes) -> None:
    """Give tensors of ``network``, which hold nothing yet, other ``shapes``, and its layers the numbers that fit.

    Raises ValueError for a tensor that it does not have, or one of another number of dimensions.
    """
    layers = dict(network.named_modules())
    depthwise = {layer for layer in layers.values() if is_depthwise(layer)}
    for name, shape in shapes.items():
        home, _, tensor = name.rpartition(".")
        _reshape(layers.get(home), tensor, name, tuple(shape))
    for home in {name.rpartition(".")[0] for name in shapes}:
        _number(layers[home], each_its_own=layers[home] in depthwise)


def is_depthwise(layer: nn.Module) -> bool:
    """Return whether ``layer`` is a convolution with one kernel for each channel."""
    return isinstance(layer, nn.Conv2d) and layer.groups > 1 and layer.groups == layer.out_channels == layer.in_channels


def _reshape(layer: nn.Module | None, tensor: str, name: str, shape: tuple[int, ...]) -> None:
    held = getattr(layer, tensor, None)
    if layer is None or not isinstance(held, Tensor):
        raise ValueError(f"shapes name {name}, which the network does not have")
    if held.dim() != len(shape) or min(shape, default=1) < 1:
        raise ValueError(f"shape {list(shape)} is none that {name} can have: it is {list(held.shape)}")
    empty = torch.empty(shape, dtype=held.dtype, device=held.device)
    if isinstance(held, nn.Parameter):
        setattr(layer, tensor, nn.Parameter(empty, requires_grad=held.requires_grad))
    else:
        setattr(layer, tensor, empty)


def _number(layer: nn.Module, *, each_its_own: bool) -> None:
    """Set what a layer says of its size to what its tensors have."""
    if isinstance(layer, nn.Conv2d):
        layer.out_channels = len(layer.weight)
        if each_its_own:
            layer.groups = layer.out_channels
        layer.in_channels = layer.weight.shape[1] * layer.groups
    elif isinstance(layer, nn.Linear):
        layer.out_features, layer.in_features = layer.weight.shape
    elif isinstance(layer, nn.BatchNorm2d):
        layer.num_features = len(next(one for one in (layer.weight, layer.running_mean) if one is not None))
    elif isinstance(layer, nn.LayerNorm):
        layer.normalized_shape = tuple(layer.weight.shape)
    elif isinstance(layer, nn.PReLU):
        layer.num_parameters = len(layer.weight)
