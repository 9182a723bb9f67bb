"""Surgery: which channels belong together, and a network without some of them.

A network that lost channels is a narrower network of the same factory, without a mask: smaller and faster on any
device. The torch-pruning package finds what belongs together (Fang et al. 2023, arXiv:2301.12900, Sec. 3).
"""

import inspect
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build, copy_of, state_of

if TYPE_CHECKING:
    from torch_pruning import Group

_SIZE = 64
"""Pixels of the empty batch that the layers are traced with; which depend on which does not change with it."""


@dataclass(frozen=True)
class ChannelGroup:
    """Channels that can only be removed together, in every layer that makes or reads them.

    ``makers`` are the names of the convolutions that make them, in the network's order: several where their outputs
    are summed. ``readers`` are those of the layers that read them, depthwise convolutions among them. ``slices`` are
    the (tensor, dimension) pairs that the channels index.
    """

    channels: int
    makers: tuple[str, ...]
    readers: tuple[str, ...]
    slices: tuple[tuple[str, int], ...]

    @property
    def name(self) -> str:
        """The first maker's name."""
        return self.makers[0]


def not_narrowable(network: Network) -> str | None:
    """Return one sentence why channels cannot be removed from ``network``, or None; it needs no tensors."""
    if sentence := _without_widths(network):
        return sentence
    try:
        channel_groups(deepcopy(network).to_empty(device="cpu"))  # which layer reads which is not in the tensors
    except ValueError as error:
        return f"{type(network).__name__} cannot lose channels: {error}"
    return None


def _without_widths(network: Network) -> str | None:
    if "widths" not in inspect.signature(type(network)).parameters:
        return f"{type(network).__name__} cannot be rebuilt with fewer channels: its factory takes no widths"
    return None


def channel_groups(network: Network) -> list[ChannelGroup]:
    """Return the groups of channels of ``network``'s convolutions, in its order. Raises ValueError as `coupled`."""
    return [group for group, _ in coupled(network)]


def coupled(network: Network) -> Iterator[tuple[ChannelGroup, "Group"]]:
    """Yield each group of channels, and what torch-pruning's importances take in its place.

    ``network`` is left in evaluation mode. Raises ValueError where a layer does not index the channels one by one, as a
    convolution of several channels a group does.
    """
    from torch_pruning import DependencyGraph  # a method that needs no surgery needs no package for it

    traced = copy_of(network) if any(not p.requires_grad for p in network.parameters()) else network
    nothing = torch.zeros(0, 3, _SIZE, _SIZE, dtype=next(traced.parameters()).dtype)  # no image is needed to see it
    with torch.enable_grad():  # it follows the gradients' graph
        graph = DependencyGraph().build_dependency(traced, example_inputs=nothing)
    names = {module: name for name, module in traced.named_modules()}
    seen: set[str] = set()
    for name, layer in traced.named_modules():
        if isinstance(layer, nn.Conv2d) and not _is_depthwise(layer) and name not in seen:
            pruning = graph.get_pruner_of_module(layer).prune_out_channels
            found = graph.get_pruning_group(layer, pruning, list(range(layer.out_channels)))
            group = _group(graph, found, names, layer.out_channels)
            seen.update(group.makers)
            yield group, found


def _is_depthwise(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Conv2d) and layer.groups > 1 and layer.groups == layer.out_channels == layer.in_channels


def _group(graph: Any, found: "Group", names: Mapping[nn.Module, str], channels: int) -> ChannelGroup:
    order = {name: position for position, name in enumerate(names.values())}
    makers, readers = set(), set()
    slices: set[tuple[str, int]] = set()
    for dependency, indices in found:
        layer = dependency.target.module
        if layer not in names or not any(True for _ in layer.parameters(recurse=False)):
            continue
        name, depthwise = names[layer], _is_depthwise(layer)
        weighs = isinstance(layer, nn.Conv2d | nn.Linear) and not depthwise  # a norm and a depthwise one do both
        reads = weighs and graph.is_in_channel_pruning_fn(dependency.handler)
        # Where one map multiplies many, torch-pruning gives the layer that makes it the indices of the many.
        alike = list(indices) == list(range(channels)) and _channels(layer, reads=reads) == channels
        if not alike or (isinstance(layer, nn.Conv2d) and _is_grouped(layer)):
            raise ValueError(f"{name} does not index its channels one by one, so that none can be removed")
        if reads or depthwise:
            readers.add(name)
        elif weighs:
            makers.add(name)
        slices.update(_slices(name, layer, reads=reads))
    return ChannelGroup(
        channels,
        tuple(sorted(makers, key=order.__getitem__)),
        tuple(sorted(readers, key=order.__getitem__)),
        tuple(sorted(slices)),
    )


def _channels(layer: nn.Module, *, reads: bool) -> int:
    """Return how many channels a layer reads, or makes."""
    return layer.get_parameter("weight").shape[1 if reads else 0]


def _is_grouped(layer: nn.Conv2d) -> bool:
    return layer.groups > 1 and not _is_depthwise(layer)


def _slices(name: str, layer: nn.Module, *, reads: bool) -> Iterator[tuple[str, int]]:
    """Yield the tensors of a layer that the channels index: its weights' inputs, or all of its outputs."""
    if reads:
        yield f"{name}.weight", 1
        return
    for tensor_name, tensor in layer.state_dict().items():
        if tensor.dim():  # a norm's count of batches belongs to no channel
            yield f"{name}.{tensor_name}", 0


def without_channels(network: Network, remaining: Mapping[str, Tensor]) -> Network:
    """Return ``network`` without the channels that are not ``remaining``, bool (channels,) by group name.

    A fresh, narrower network; ``network`` is not changed. Its output is that of ``network`` with those channels' maps
    set to zero. Raises ValueError where a group is unknown or would be empty, or the network takes no widths.
    """
    if sentence := _without_widths(network):
        raise ValueError(sentence)
    groups = {group.name: group for group in channel_groups(network)}
    if unknown := sorted(set(remaining) - set(groups)):
        raise ValueError(f"no such channels: {', '.join(unknown)}")
    if empty := [name for name, mask in remaining.items() if not bool(mask.any())]:
        raise ValueError(f"no channel of {', '.join(empty)} remains")
    state = state_of(network)
    for name, mask in remaining.items():
        for tensor, dimension in groups[name].slices:
            state[tensor] = state[tensor].index_select(dimension, mask.nonzero().flatten())
    widths = [len(state[f"{name}.weight"]) for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d)]
    architecture = Architecture(network.architecture.factory, {**network.architecture.arguments, "widths": widths})
    return build(architecture, state)
