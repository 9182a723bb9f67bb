"""Which tensor of a weights file is which of a network's features: by name, else by order."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

Tensors = Mapping[str, Tensor]

_COUNT = "num_batches_tracked"
_OLD_DENSENET = re.compile(r"\b(norm|conv)\.(\d\.)")
"""Files of 2017 have ``norm.1.weight`` where torchvision's DenseNet has ``norm1.weight`` since."""


def by_name(own: Tensors, found: Tensors) -> dict[str, Tensor] | str:
    """Return the tensors of ``found`` that have the names of ``own``, or in one sentence why they do not fit.

    A name may lack its ``features.``, and an old file the counts of batches, which become 0. An empty text: the names
    are others altogether.
    """
    given = {_OLD_DENSENET.sub(r"\1\2", name): tensor for name, tensor in found.items()} | dict(found)
    names = {name: _its_name(name, given) for name in own if not name.endswith(_COUNT)}
    lacking = [name for name, its in names.items() if its is None]
    if lacking:
        few = 2 * len(lacking) < len(names)
        return f"it has {len(names) - len(lacking)} of {len(names)} tensors, but not {lacking[0]}" if few else ""
    chosen = {name: given[its] for name, its in names.items() if its is not None}
    for name, tensor in chosen.items():
        if tensor.shape != own[name].shape:
            return f"its {names[name]} is {tuple(tensor.shape)}, not {tuple(own[name].shape)}"
    counts = {name: given.get(_its_name(name, given) or "", torch.zeros(())) for name in own if name.endswith(_COUNT)}
    return _typed(own, chosen | counts)


def _its_name(name: str, found: Tensors) -> str | None:
    return next((one for one in (name, name.removeprefix("features.")) if one in found), None)


def by_order(own: Tensors, found: Tensors) -> dict[str, Tensor]:
    """Return the tensors of ``found``, layer for layer in order, where each has what ``own``'s has; else nothing.

    What a layer has is known by the last part of its names, weight or running_mean, in any order.
    """
    chosen: dict[str, Tensor] = {}
    for (ours, kinds), theirs in zip(_layers(own).items(), _layers(found).values(), strict=False):
        for kind, tensor in kinds.items():
            given = theirs.get(kind, torch.zeros(()) if kind == _COUNT else None)
            if given is None or given.shape != tensor.shape or theirs.keys() - kinds.keys():
                return {}
            chosen[f"{ours}.{kind}"] = given
    return _typed(own, chosen) if chosen.keys() == own.keys() else {}


def _layers(tensors: Tensors) -> dict[str, dict[str, Tensor]]:
    """Return the tensors by layer and kind, the layers in their order."""
    layers: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        layer, _, kind = name.rpartition(".")
        layers.setdefault(layer, {})[kind] = tensor
    return layers


def _typed(own: Tensors, chosen: Tensors) -> dict[str, Tensor]:
    return {name: chosen[name].to(tensor.dtype) for name, tensor in own.items()}
