"""Surgery: which channels belong together, and a network without some of them.

A network that lost channels is the same network with smaller tensors and no mask: smaller and faster on any device.
The torch-pruning package finds what belongs together (Fang et al. 2023, arXiv:2301.12900, Sec. 3).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from harness.errors import text_of
from harness.networks.architecture import Network
from harness.networks.factories import build, copy_of, skeleton, state_of
from harness.networks.narrowing import differing_shapes, is_depthwise

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


def channel_groups(network: Network) -> list[ChannelGroup]:
    """Return the groups of channels of ``network``'s convolutions, in its order. Raises ValueError as `coupled`."""
    return [group for group, _ in coupled(network)]


def coupled(network: Network) -> Iterator[tuple[ChannelGroup, "Group"]]:
    """Yield each group of channels, and what torch-pruning's importances take in its place.

    ``network`` is left in evaluation mode. Raises ValueError where a layer does not index the channels one by one, as a
    convolution of several channels a group does, or where torch-pruning cannot follow the layers.
    """
    traced = copy_of(network) if any(not p.requires_grad for p in network.parameters()) else network
    names: dict[Any, str] = {module: name for name, module in traced.named_modules()}
    names |= {parameter: name for name, parameter in traced.named_parameters()}
    graph = _graph(traced)
    seen: set[str] = set()
    for name, layer in traced.named_modules():
        if isinstance(layer, nn.Conv2d) and not is_depthwise(layer) and name not in seen:
            found = _found(graph, layer, name)
            group = _group(graph, found, names, layer.out_channels)
            seen.update(group.makers)
            yield group, found


def _graph(network: Network) -> Any:
    from torch_pruning import DependencyGraph  # a method that needs no surgery needs no package for it

    nothing = torch.zeros(0, 3, _SIZE, _SIZE, dtype=next(network.parameters()).dtype)  # no image is needed to see it
    with torch.enable_grad():  # it follows the gradients' graph
        try:
            return DependencyGraph().build_dependency(network, example_inputs=nothing, verbose=False)
        except Exception as error:  # it fails in ways of its own
            raise ValueError(f"torch-pruning cannot follow its layers ({text_of(error)})") from error


def _found(graph: Any, layer: nn.Conv2d, name: str) -> "Group":
    try:
        pruning = graph.get_pruner_of_module(layer).prune_out_channels
        found: Group = graph.get_pruning_group(layer, pruning, list(range(layer.out_channels)))
    except Exception as error:
        raise ValueError(f"torch-pruning cannot follow what reads {name} ({text_of(error)})") from error
    return found


def _group(graph: Any, found: "Group", names: Mapping[Any, str], channels: int) -> ChannelGroup:
    order = {name: position for position, name in enumerate(names.values())}
    makers, readers = set(), set()
    slices: set[tuple[str, int]] = set()
    for dependency, indices in found:
        layer = dependency.target.module
        if layer not in names or (isinstance(layer, nn.Module) and not [*layer.parameters(recurse=False)]):
            continue
        name, depthwise = names[layer], is_depthwise(layer)
        weighs = isinstance(layer, nn.Conv2d | nn.Linear) and not depthwise  # a norm and a depthwise one do both
        reads = weighs and graph.is_in_channel_pruning_fn(dependency.handler)
        # Where one map multiplies many, torch-pruning gives the layer that makes it the indices of the many.
        if list(indices) != list(range(channels)) or _channels(name, layer, reads=reads) != channels:
            raise ValueError(f"{name} does not index its channels one by one, so that none can be removed")
        if reads or depthwise:
            readers.add(name)
        elif isinstance(layer, nn.Linear):
            raise ValueError(f"{name}, a linear layer, makes channels of a convolution, which no channel method scores")
        elif weighs:
            makers.add(name)
        slices.update(_slices(name, layer, reads=reads))
    return ChannelGroup(
        channels,
        tuple(sorted(makers, key=order.__getitem__)),
        tuple(sorted(readers, key=order.__getitem__)),
        tuple(sorted(slices)),
    )


def _channels(name: str, layer: nn.Module | nn.Parameter, *, reads: bool) -> int:
    """Return how many channels a layer reads, or makes; 0 for a grouped convolution.

    Raises ValueError for a layer that is more than its channels side by side, such as a norm over all of them.
    """
    if isinstance(layer, nn.Parameter):
        return layer.shape[_dimension(layer)]
    if not isinstance(layer, nn.Conv2d | nn.Linear | nn.BatchNorm2d | nn.PReLU):
        raise ValueError(f"{name}, a {type(layer).__name__}, takes its channels together, so that none can be removed")
    if isinstance(layer, nn.Conv2d) and layer.groups > 1 and not is_depthwise(layer):
        return 0
    return layer.get_parameter("weight").shape[1 if reads else 0]


def _dimension(parameter: nn.Parameter) -> int:
    """Return the dimension that torch-pruning takes for the channels of a parameter of no layer: the last above 1."""
    return max((index for index, size in enumerate(parameter.shape) if size > 1), default=0)


def _slices(name: str, layer: nn.Module | nn.Parameter, *, reads: bool) -> Iterator[tuple[str, int]]:
    """Yield the tensors of a layer that the channels index: its weights' inputs, or all of its outputs."""
    if isinstance(layer, nn.Parameter):
        yield name, _dimension(layer)
        return
    if reads:
        yield f"{name}.weight", 1
        return
    for tensor_name, tensor in layer.state_dict().items():
        if tensor.dim():  # a norm's count of batches belongs to no channel
            yield f"{name}.{tensor_name}", 0


def without_channels(network: Network, remaining: Mapping[str, Tensor]) -> Network:
    """Return ``network`` without the channels that are not ``remaining``, bool (channels,) by group name.

    A fresh, narrower network; ``network`` is not changed. Its output is that of ``network`` with those channels' maps
    set to zero. Raises ValueError where a group is unknown or would be empty, or as `coupled` does.
    """
    groups = {group.name: group for group in channel_groups(network)}
    if unknown := sorted(set(remaining) - set(groups)):
        raise ValueError(f"no such channels: {', '.join(unknown)}")
    if empty := [name for name, mask in remaining.items() if not bool(mask.any())]:
        raise ValueError(f"no channel of {', '.join(empty)} remains")
    state = state_of(network)
    for name, mask in remaining.items():
        for tensor, dimension in groups[name].slices:
            state[tensor] = state[tensor].index_select(dimension, mask.nonzero().flatten())
    whole = replace(network.architecture, shapes={})
    return build(replace(whole, shapes=differing_shapes(state, skeleton(whole).state_dict())), state)
