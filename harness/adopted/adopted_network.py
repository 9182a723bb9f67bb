"""W0 from a file: somebody's own trained network, head included, as it is."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.adopted.fitting import HEAD, fit, fitted
from harness.adopted.nearest_network import nearest_network
from harness.adopted.state_file import StateFile, read_state
from harness.errors import DataError
from harness.initial.weights_choice import TRAINED_SWAPPED
from harness.initial.weights_file import file_digest
from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build, skeleton
from harness.storage.canonical import digest
from harness.storage.store import Store

SHOWN = 12
"""Faults that are told one by one."""

KIND = "trained"
"""The stage that holds it."""

_LAST = ("weight", "bias")


def adopted_network(store: Store, architecture: Architecture, weights: str, path: Path | None) -> Network:
    """Return the network of ``weights``, a name with its file's hash; the store keeps it, so that the file may go.

    Raises `DataError` where neither the store nor ``path`` has it.
    """
    swapped = weights.startswith(f"{TRAINED_SWAPPED}:")

    def read(_: object) -> dict[str, Any]:
        return {"state": adopted_state(_there(path, weights), architecture, swapped=swapped)}

    return build(architecture, store.run(KIND, _inputs(architecture, weights), read).value["state"])


def is_kept(store: Store, architecture: Architecture, weights: str) -> bool:
    """Return whether the store has the network of ``weights``, without its file."""
    return store.find(digest([KIND, _inputs(architecture, weights)])) is not None


def _inputs(architecture: Architecture, weights: str) -> dict[str, Any]:
    return {"architecture": architecture, "weights": weights}


def adopted_state(path: Path, architecture: Architecture, *, swapped: bool = False) -> dict[str, Tensor]:
    """Return the state of ``architecture`` in a file; ``swapped``: its first output is the positive class.

    Raises `DataError` with every tensor that is missing, left over, or of another shape, or is not finite.
    """
    file = read_state(path)
    _require_architecture(file, architecture, path)
    own = skeleton(architecture).state_dict()
    found = fit(own, file.tensors)
    if found.faults:
        near = nearest_network(file.tensors)
        raise DataError(
            f"weights file {path} is not of {architecture}, head included{f': {near}' if near else ''}",
            faults=_shown(found.faults),
            fix="name its network by --network; without --trained its convolutions alone are read, and a head is drawn",
        )
    state = fitted(own, file.tensors, found.names)
    if broken := [found.names[name] for name, tensor in state.items() if not bool(torch.isfinite(tensor).all())]:
        raise DataError(f"weights file {path} is not finite in {', '.join(broken[:3])}", fix="use another checkpoint")
    return _with_classes_swapped(state) if swapped else state


def zeros_in(state: dict[str, Tensor]) -> float:
    """Return the share of the weights, of matrices and kernels, that are exactly zero."""
    weights = [tensor for tensor in state.values() if tensor.dim() > 1]
    return sum(int((tensor == 0).sum()) for tensor in weights) / max(sum(tensor.numel() for tensor in weights), 1)


def _there(path: Path | None, weights: str) -> Path:
    """Return the file, once it is known to be the one that was planned with."""
    if path is None or not path.is_file() or file_digest(path) != weights.partition(":")[2]:
        raise DataError(
            f"the file of the network that was trained elsewhere, {weights}, is gone or another one by now",
            fix="put it back, and give the same command again",
        )
    return path


def _require_architecture(file: StateFile, architecture: Architecture, path: Path) -> None:
    """Raise `DataError` where a file says that it is another network, or one of which channels were cut out."""
    told = file.architecture
    if told is None or told == architecture:
        return
    cut = " A network whose channels were cut out cannot be pruned again." if told.shapes else ""
    raise DataError(
        f"weights file {path} says that it is {told}, not {architecture}.{cut}",
        fix="export the dense network, and give that" if told.shapes else f"use --network {told.factory}",
    )


def _shown(faults: list[str]) -> list[str]:
    more = len(faults) - SHOWN
    return faults if more <= 0 else [*faults[:SHOWN], f"and {more} more"]


def _with_classes_swapped(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the state with the outputs of the last layer in the other order."""
    *_, last = (name.rpartition(".")[0] for name in state if name.startswith(HEAD))
    return {
        name: tensor.flip(0) if name in [f"{last}.{kind}" for kind in _LAST] else tensor
        for name, tensor in state.items()
    }
