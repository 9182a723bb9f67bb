"""The tensors of a file that somebody trained elsewhere, by name, whatever they were wrapped in; no code of it runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from harness.errors import DataError
from harness.networks.architecture import Architecture
from harness.networks.factories import state_of
from harness.portable.network_file import ARCHITECTURE, read_network

CONTAINERS = ("state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights")
"""Keys under which a checkpoint keeps its network beside an optimiser and counts."""

PREFIXES = ("module.", "model.", "net.", "network.", "_orig_mod.")
"""What DataParallel, Lightning's modules and their like, and torch.compile put before every name."""

_FIX = "give what torch.save(model.state_dict(), FILE) writes, safetensors, or a file of `harness export`"


class StateFile(NamedTuple):
    """Tensors by name, and the architecture where the file says it: one of `harness export` does."""

    tensors: dict[str, Tensor]
    architecture: Architecture | None = None


def read_state(path: Path) -> StateFile:
    """Return the tensors of a torch state_dict, also within a checkpoint, of safetensors, or of an exported network.

    Raises `DataError` where the file cannot be read or has no tensors by name.
    """
    try:
        with path.open("rb") as file:
            is_safetensors = file.read(9)[8:] == b"{"
    except OSError as error:
        raise DataError(f"weights file {path} cannot be read: {error.strerror}") from error
    return _of_safetensors(path) if is_safetensors else StateFile(_of_torch(path))


def _of_safetensors(path: Path) -> StateFile:
    try:
        with safe_open(path, framework="pt") as file:
            if ARCHITECTURE not in (file.metadata() or {}):
                return StateFile(without_prefix({name: file.get_tensor(name) for name in file.keys()}))  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise DataError(f"weights file {path} cannot be read as safetensors: {error}", fix=_FIX) from error
    network = read_network(path).network
    return StateFile(state_of(network), network.architecture)


def _of_torch(path: Path) -> dict[str, Tensor]:
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        why = str(error).partition("\n")[0]
        raise DataError(f"weights file {path} cannot be read without running code of it: {why}", fix=_FIX) from error
    tensors = _contained(found)
    if not tensors:
        what = f"keys {', '.join(map(str, [*found][:5]))}" if isinstance(found, Mapping) else type(found).__name__
        raise DataError(f"weights file {path} holds no tensors by name, but {what}", fix=_FIX)
    return without_prefix(tensors)


def _contained(found: Any) -> dict[str, Tensor]:
    """Return the plain tensors of a mapping, or those that a container in it holds."""
    if not isinstance(found, Mapping):
        return {}
    within = (_contained(found[name]) for name in CONTAINERS if name in found)
    return next(filter(None, within), {str(name): value for name, value in found.items() if _is_plain(value)})


def _is_plain(value: Any) -> bool:
    return isinstance(value, Tensor) and value.layout == torch.strided and not value.is_quantized and value.is_cpu


def without_prefix(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors without a wrapper's prefix, one or several, that more than half of their names have."""
    for prefix in PREFIXES:
        if 2 * sum(name.startswith(prefix) for name in tensors) > len(tensors):
            return without_prefix({name.removeprefix(prefix): tensor for name, tensor in tensors.items()})
    return dict(tensors)
