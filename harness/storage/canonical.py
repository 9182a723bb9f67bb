"""One canonical form of a stage's inputs and outputs: tensors apart, everything else JSON, hashed with sha256."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from harness.key_fields import enters_key
from harness.networks.architecture import Architecture, Network
from harness.networks.factories import state_of
from harness.storage.network_code import network_code

_TENSOR = "__tensor__"
_CLASS = "__class__"


def canonical_state(network: Network, mask: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
    """Return the network's tensors as they are hashed and trained: contiguous on the CPU, mask applied by fill.

    ``mask`` has one bool tensor a parameter, True = remaining.
    """
    state = state_of(network)
    for name, remaining in (mask or {}).items():
        state[name] = state[name].masked_fill(~remaining, 0.0)
    return state


def flatten(value: Any, tensors: dict[str, Tensor], path: str = "") -> Any:
    """Return ``value`` as JSON, its tensors moved to ``tensors`` under their path.

    Takes JSON values, tensors, arrays, dataclasses, networks, and lists, tuples and mappings of them. Raises TypeError
    for anything else. Floats stay floats: 1 and 1.0 differ.

    A dataclass is its fields and a name, so that two classes never answer for each other: the ``key_name`` that the
    class itself gives, never a base's, else its module and qualified name. An empty one leaves the name out. With an
    architecture goes the code of a network that is not the harness's own.
    """
    if isinstance(value, Network):
        value = {"architecture": value.architecture, "state": state_of(value)}
    elif isinstance(value, nn.Module):
        raise TypeError(f"{type(value).__name__} is a module without an architecture: it cannot be rebuilt")
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(np.array(value, order="C"))
    if isinstance(value, Tensor):
        tensors[path] = value.detach().to("cpu").contiguous()
        return {_TENSOR: path}
    if is_dataclass(value) and not isinstance(value, type):  # before a mapping: a mask is both
        named = {field.name: getattr(value, field.name) for field in fields(value) if enters_key(field, value)}
        if isinstance(value, Architecture) and (code := network_code(value)):
            named["code"] = code
        return _class_name(type(value)) | _flatten_mapping(named, tensors, path)
    if isinstance(value, Mapping):
        return _flatten_mapping(value, tensors, path)
    if isinstance(value, list | tuple):
        return [flatten(item, tensors, f"{path}/{index}") for index, item in enumerate(value)]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{path or 'value'} is a {type(value).__name__}: only tensors and JSON are stored")


def _class_name(kind: type) -> dict[str, str]:
    name = vars(kind).get("key_name", f"{kind.__module__}.{kind.__qualname__}")
    return {_CLASS: name} if name else {}


def _flatten_mapping(value: Mapping[Any, Any], tensors: dict[str, Tensor], path: str) -> dict[str, Any]:
    named = {str(key): item for key, item in value.items()}
    if len(named) != len(value) or {_TENSOR, _CLASS} & set(named):
        raise TypeError(f"{path or 'value'} has keys that are one as text, or a reserved key, {_TENSOR} or {_CLASS}")
    escaped = {key: key.replace("~", "~0").replace("/", "~1") for key in named}
    return {key: flatten(item, tensors, f"{path}/{escaped[key]}") for key, item in named.items()}


def restore(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Return what `flatten` took apart (tuples come back as lists, dataclasses as dictionaries)."""
    if isinstance(value, dict):
        if set(value) == {_TENSOR}:
            return tensors[value[_TENSOR]]
        return {key: restore(item, tensors) for key, item in value.items() if key != _CLASS}
    if isinstance(value, list):
        return [restore(item, tensors) for item in value]
    return value


def tensor_digest(tensor: Tensor) -> str:
    """Return the sha256 of a tensor's type, shape and bytes in row-major order."""
    array = tensor.detach().to("cpu").contiguous()
    hasher = hashlib.sha256(f"{array.dtype}{tuple(array.shape)}".encode())
    if array.numel():
        hasher.update(array.flatten().view(torch.uint8).numpy().data)
    return hasher.hexdigest()


def digest(value: Any) -> str:
    """Return the sha256 of ``value``'s canonical form: key order, strides and device do not matter, bits do."""
    tensors: dict[str, Tensor] = {}
    skeleton = flatten(value, tensors)
    hashes = {path: tensor_digest(tensor) for path, tensor in tensors.items()}
    text = json.dumps([skeleton, hashes], sort_keys=True, separators=(",", ":"), allow_nan=True)
    return hashlib.sha256(text.encode()).hexdigest()
