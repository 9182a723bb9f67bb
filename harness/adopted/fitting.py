"""Which tensor of a file is which of a network's, head included: by name, else layer by layer; and all that misfits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

Tensors = Mapping[str, Tensor]

HEAD = "head."
_FEATURES = "features."
_COUNT = "num_batches_tracked"
"""Of batches, in batch norms: it decides nothing here, and files of before 2018 have none."""


@dataclass(frozen=True)
class Fit:
    """Names of a network's tensors with those of the file's in their place, and everything that does not fit."""

    names: Mapping[str, str]
    faults: list[str] = field(default_factory=list)


def fit(own: Tensors, found: Tensors) -> Fit:
    """Return how the tensors of a file fit those of a network, of which shapes alone are looked at.

    Features are told by name, ``features.`` or not, where most of them are there; else by the order of the layers. The
    head likewise; of what is left of the file its last layers. A last layer of one output stands for two.
    """
    features = [name for name in own if not name.startswith(HEAD)]
    head = [name for name in own if name.startswith(HEAD)]
    names = _by_name(features, found) or _by_order(features, found)
    rest = [name for name in found if name not in names.values()]
    names |= {name: name for name in head if name in found} or _by_order(head, _last(rest, head))
    return Fit(names, list(_faults(own, found, names)))


def fitted(own: Tensors, found: Tensors, names: Mapping[str, str]) -> dict[str, Tensor]:
    """Return the state of the network by the ``names`` of a `Fit` without faults, in the network's types."""
    state = {}
    for name, wanted in own.items():
        tensor = found[names[name]] if name in names else torch.zeros(wanted.shape)
        state[name] = _two_outputs(tensor, wanted).to(wanted.dtype).contiguous()
    return state


def _two_outputs(tensor: Tensor, wanted: Tensor) -> Tensor:
    """Return the head's last layer with two outputs: of one logit z the logits (0, z), whose score is z itself."""
    return torch.cat([torch.zeros_like(tensor), tensor]) if tensor.shape != wanted.shape else tensor


def _by_name(wanted: Iterable[str], found: Tensors) -> dict[str, str]:
    """Return what is there by its name, unless most of it is not."""
    needed = [name for name in wanted if not name.endswith(_COUNT)]
    names = {own: its for own in wanted for its in (own, own.removeprefix(_FEATURES)) if its in found}
    return names if 2 * sum(name in names for name in needed) > len(needed) else {}


def _by_order(wanted: Iterable[str], found: Iterable[str]) -> dict[str, str]:
    """Return the tensors of the first layer as those of the first, and so on; of each what both have."""
    pairs = zip(_layers(wanted).values(), _layers(found).values(), strict=False)
    return {name: theirs[kind] for ours, theirs in pairs for kind, name in ours.items() if kind in theirs}


def _last(found: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """Return the names in the last layers of ``found``, as many as ``wanted`` has."""
    layers = [*_layers(found).values()][-len(_layers(wanted)) :]
    return [name for layer in layers for name in layer.values()]


def _layers(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return names by layer and kind, such as weight, the layers in their order."""
    layers: dict[str, dict[str, str]] = {}
    for name in names:
        layer, _, kind = name.rpartition(".")
        layers.setdefault(layer, {})[kind] = name
    return layers


def _faults(own: Tensors, found: Tensors, names: Mapping[str, str]) -> Iterable[str]:
    last = [*_layers(name for name in own if name.startswith(HEAD))][-1:]
    for name, wanted in own.items():
        if name not in names:
            if not name.endswith(_COUNT):
                yield f"{name} {_shape(wanted)} is missing"
            continue
        its, tensor = names[name], found[names[name]]
        one = tensor.shape == (1, *wanted.shape[1:]) and name.rpartition(".")[0] in last
        if tensor.shape != wanted.shape and not one:
            alias = "" if its == name else f", which would be {name},"
            yield f"{its}{alias} is {_shape(tensor)}, not {_shape(wanted)}"
    used = {*names.values()}
    yield from (f"{name} {_shape(tensor)} is left over" for name, tensor in found.items() if name not in used)


def _shape(tensor: Tensor) -> str:
    return f"({', '.join(map(str, tensor.shape))})"
