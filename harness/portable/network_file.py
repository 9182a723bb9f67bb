"""A network in one safetensors file: tensors, the architecture that rebuilds it, its nameplate. No pickle, no store."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
import zstandard
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from harness.errors import DataError, HarnessError
from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build, skeleton, state_of
from harness.portable.nameplate import Nameplate, json_of
from harness.portable.packing import packed, unpacked
from harness.portable.shipped_network import ShippedNetwork
from harness.storage.canonical import digest

ARCHITECTURE, NAMEPLATE, DIGEST = "harness.architecture", "harness.nameplate", "harness.digest"
"""Keys of the file's metadata; the digest is the sha256 of all else in it."""

_OTHERS = {
    ".onnx": "run it by onnxruntime, or export it to safetensors",
    ".pt2": "export it to safetensors; torch.export.load runs what such a file says, so give it your own files alone",
}
_LENGTH = 8
"""Bytes that a file begins with, and say how long its header is."""

LARGEST = 2**30
"""Numbers in all tensors of a network that is read: a few bytes can claim to be any number of zeros."""

LEVEL = 9
"""Of zstd: level 19 takes a hundred times as long, and weights get no smaller."""


def file_content(network: Network, nameplate: Nameplate | None = None) -> bytes:
    """Return the file of a network; weights that are zero take a bit or less each where that is smaller."""
    told = {ARCHITECTURE: json.dumps(asdict(network.architecture), sort_keys=True)}
    if nameplate is not None:
        told[NAMEPLATE] = nameplate.to_text()
    stored = packed(state_of(network))
    return _in_order(save(stored, metadata={**told, DIGEST: digest([stored, told])}))


def _in_order(content: bytes) -> bytes:
    """Return the same file with the keys of its metadata in order: safetensors writes them in any."""
    length = int.from_bytes(content[:_LENGTH], "little")
    header = json.loads(content[_LENGTH : _LENGTH + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % _LENGTH)  # tensors begin at a multiple of it
    return len(text).to_bytes(_LENGTH, "little") + text + content[_LENGTH + length :]


def compressed(content: bytes) -> bytes:
    """Return what a file is when it is sent: zstd at level 9."""
    return zstandard.ZstdCompressor(level=LEVEL).compress(content)


def read_network(path: str | Path) -> ShippedNetwork:
    """Return the network of a file with `file_content`, on any machine that has its factory.

    No code of the file runs. Raises `DataError` where it is none, is cut or does not fit its architecture, and
    `UsageError` for a factory that is not installed.
    """
    path = Path(path)
    if path.suffix in (".onnx", ".pt2"):
        raise DataError(f"{path} has no module of the harness's to read", fix=_OTHERS[path.suffix])
    try:
        with safe_open(path, framework="pt") as file:
            told = file.metadata() or {}
            stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} cannot be read as safetensors: {error}", fix="export it again") from error
    architecture = _architecture(told, path)
    nameplate = Nameplate.from_text(told.get(NAMEPLATE), f"{path}")
    if told.pop(DIGEST, None) != digest([stored, told]):
        raise DataError(f"{path} is not as it was written: its digest is another", fix="copy it or export it again")
    return ShippedNetwork(_network(architecture, stored, path), nameplate)


def _network(architecture: Architecture, stored: Mapping[str, torch.Tensor], path: Path) -> Network:
    """Return the network, once its tensors are known to be those of the architecture."""
    try:
        wanted = skeleton(architecture).state_dict()
        _refuse_giants(wanted)
        state = unpacked(stored, {name: tensor.shape for name, tensor in wanted.items()})
    except HarnessError:
        raise
    except Exception as error:  # a factory is anybody's code, and its arguments are the file's
        said = f"{error}".partition("\n")[0][:200]  # torch may add a page of its own addresses
        raise DataError(f"{path} does not hold the tensors of {architecture}: {said}", fix="export it again") from error
    if strange := sorted(name for name, tensor in state.items() if tensor.dtype != wanted[name].dtype):
        raise DataError(f"{path}: {strange[0]} is {state[strange[0]].dtype}, not {wanted[strange[0]].dtype}")
    if broken := sorted(name for name, tensor in state.items() if not bool(torch.isfinite(tensor).all())):
        raise DataError(f"{path}: {broken[0]} is not finite", fix="export it again")
    return build(architecture, state)


def _architecture(told: Mapping[str, str], path: Path) -> Architecture:
    try:
        return TypeAdapter(Architecture).validate_python(json_of(told.get(ARCHITECTURE), f"{path}"))
    except ValidationError as error:
        raise DataError(f"{path} does not say its architecture", fix="give a file of `harness export`") from error


def _refuse_giants(wanted: Mapping[str, torch.Tensor]) -> None:
    """Raise ValueError for a network of more numbers than any that is shipped."""
    count = sum(tensor.numel() for tensor in wanted.values())
    if count > LARGEST:
        raise ValueError(f"it would have {count:,} numbers, and at most {LARGEST:,} are read")
