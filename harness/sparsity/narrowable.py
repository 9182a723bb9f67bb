"""Whether a network can lose channels: what nobody tested is tried out, against itself with those channels silenced."""

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from harness.errors import text_of
from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build, initialise
from harness.networks.narrowing import is_depthwise
from harness.networks.registered import HELD_TO
from harness.randomness import generator
from harness.sparsity.surgery import ChannelGroup, channel_groups, without_channels

_IMAGES, _SIZE = 2, 64
_CLOSE = 1e-3


def not_narrowable(network: Network) -> str | None:
    """Return one sentence why channels cannot be removed from ``network``, or None; it needs no tensors.

    The answer is of the architecture as its factory makes it, and found once in a process.
    """
    whole = network.architecture
    kind: Any = type(network)
    why = _why_not(whole.factory, kind, json.dumps(whole.arguments, sort_keys=True))
    return f"{kind.__name__} cannot lose channels: {why}" if why else None


@functools.lru_cache(maxsize=32)
def _why_not(factory: str, kind: Any, arguments: str) -> str | None:
    network = _drawn(Architecture(factory, json.loads(arguments)))
    try:
        groups = channel_groups(network)
    except ValueError as error:
        return str(error)
    if not groups:
        return "it has no convolution whose channels can be told apart"
    return None if _is_tested(kind) else _differs(network, groups)


def _is_tested(kind: type[Network]) -> bool:
    """Return whether the harness's own tests narrow a network: the trial takes seconds, in each process anew."""
    return kind.__module__.startswith("harness.") and getattr(kind, "model", HELD_TO[0]) in HELD_TO


def _differs(network: Network, groups: Sequence[ChannelGroup]) -> str | None:
    """Return how a network that lost half of each group's channels is not the whole one without what these make."""
    draws = generator(0, "narrowing")
    remaining = {group.name: _half(group.channels, draws) for group in groups if group.channels > 1}
    images = torch.randn(_IMAGES, 3, _SIZE, _SIZE, generator=draws)
    with torch.no_grad():
        try:
            found = without_channels(network, remaining)(images)
        except Exception as error:  # its forward counts on the channels that it was made with
            return f"with fewer channels it does not run ({text_of(error)})"
        silence_(network, groups, remaining)
        expected = network(images)
    if float((found - expected).abs().max()) <= _CLOSE * float(expected.abs().max()):
        return None
    return "with fewer channels it does not give what it gives where these channels are zero"


def _half(channels: int, draws: torch.Generator) -> Tensor:
    remaining = torch.rand(channels, generator=draws) < 0.5
    remaining[int(torch.randint(channels, (1,), generator=draws))] = True
    return remaining


def silence_(network: Network, groups: Sequence[ChannelGroup], remaining: Mapping[str, Tensor]) -> None:
    """Have every layer of ``network`` read zero in the place of each channel that is not ``remaining``."""
    for group in groups:
        for layer in map(network.get_submodule, group.readers if group.name in remaining else ()):
            if not is_depthwise(layer):
                layer.get_parameter("weight").data[:, ~remaining[group.name]] = 0.0


def _drawn(architecture: Architecture) -> Network:
    """Return a network whose norms and biases are drawn, too, so that no channel is zero by itself."""
    network, draws = build(replace(architecture, shapes={})), generator(0, "drawn")
    initialise(network, draws)
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d) and layer.running_mean is not None:
                layer.running_mean.normal_(0, 0.2, generator=draws)
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(0.1, 0.3, generator=draws)
    return network
