"""Tensors of which many entries are zero, stored as small as they go: dense, by a bitmap, or by gaps."""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

VALUES, BITMAP, GAPS = "/values", "/bitmap", "/gaps"
"""After a tensor's name: what is left of it, and where that stands."""

_FAR = 255
"""A gap of so many entries or more takes further bytes; each says that the entry there is zero too."""


def packed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of ``state``, each in the smallest of three forms, the plainest of equals.

    Dense, under its own name. A bitmap of the entries that are not zero, one bit each in row-major order, and their
    values. Gaps: before each value, how many zeros were skipped, a byte; after 255 zeros more bytes follow. Source of
    the gaps: Han et al. (2016), Deep Compression, section 2.
    """
    found: dict[str, Tensor] = {}
    for name, tensor in state.items():
        smallest = min(_forms(name, tensor.detach().cpu().contiguous()), key=_size)
        found.update(smallest)
    return found


def unpacked(stored: Mapping[str, Tensor], shapes: Mapping[str, torch.Size]) -> dict[str, Tensor]:
    """Return the tensors that `packed` stored, by name; ``shapes`` are theirs.

    Raises ValueError with the first name whose stored form does not fit its shape.
    """
    return {name: _restored(name, stored, shape) for name, shape in shapes.items()}


def _size(form: dict[str, Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in form.values())


def _forms(name: str, tensor: Tensor) -> list[dict[str, Tensor]]:
    dense = {name: tensor}
    flat = tensor.ravel()
    left = flat.numpy() != 0  # a negative zero comes back as a plain one, and computes the same
    if left.all() or not tensor.dim():
        return [dense]
    values = {name + VALUES: flat[torch.from_numpy(left)]}
    return [
        dense,
        {**values, name + BITMAP: torch.from_numpy(np.packbits(left))},
        {**values, name + GAPS: torch.from_numpy(_gaps(left))},
    ]


def _gaps(left: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Return the zeros before each value: as many bytes 255 as are skipped by 255, then the rest."""
    places = np.flatnonzero(left)
    skipped = np.diff(places, prepend=-1) - 1
    ends = np.cumsum(skipped // _FAR + 1) - 1
    bytes_ = np.full(int(ends[-1]) + 1 if ends.size else 0, _FAR, dtype=np.uint8)
    bytes_[ends] = skipped % _FAR
    return bytes_


def _places(gaps: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    ends = gaps != _FAR
    return np.asarray(np.cumsum(gaps.astype(np.int64))[ends] + np.arange(int(ends.sum())))


def _restored(name: str, stored: Mapping[str, Tensor], shape: torch.Size) -> Tensor:
    if name in stored:
        if stored[name].shape != shape:
            raise ValueError(f"{name} is {tuple(stored[name].shape)}, not {tuple(shape)}")
        return stored[name]
    values, count = stored.get(name + VALUES), math.prod(shape)
    if values is None:
        raise ValueError(f"{name} is missing")
    places = _where(name, stored, count)
    if values.dim() != 1 or len(places) != len(values) or (len(places) and places[-1] >= count):
        raise ValueError(f"{name} has {values.numel()} values for {len(places)} places of {count}")
    flat = torch.zeros(count, dtype=values.dtype)
    flat[torch.from_numpy(places)] = values
    return flat.reshape(shape)


def _where(name: str, stored: Mapping[str, Tensor], count: int) -> npt.NDArray[np.int64]:
    """Return the places of the values, ascending. Raises ValueError where nothing says them."""
    kind = next((kind for kind in (BITMAP, GAPS) if name + kind in stored), None)
    if kind is None or stored[name + kind].dtype != torch.uint8 or stored[name + kind].dim() != 1:
        raise ValueError(f"{name} does not say where its values stand")
    told = stored[name + kind].numpy()
    if kind == GAPS:
        return _places(told)
    if told.size != -(-count // 8):
        raise ValueError(f"{name} has a bitmap of {told.size} bytes for {count} entries")
    return np.flatnonzero(np.unpackbits(told)[:count])
