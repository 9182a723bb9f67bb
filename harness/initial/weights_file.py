"""Convolutions from a torch weights file."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.errors import DataError
from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build, initialise, state_of
from harness.randomness import generator


def features_from_file(path: Path, architecture: Architecture) -> dict[str, Tensor]:
    """Return the features' tensors read from a torch weights file, such as torchvision's AlexNet; no code of it runs.

    Of a file that begins with all of them, norms too, they are taken in order; else its four-dimensional weights and
    their biases are. Raises `DataError` where they do not fit or are not finite.
    """
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise DataError(
            f"weights file {path} cannot be read: {error}",
            fix="give a state_dict saved by torch.save, for example torchvision's alexnet-owt-7be5be79.pth",
        ) from error
    if not isinstance(found, Mapping):
        raise DataError(
            f"weights file {path} holds a {type(found).__name__}, not tensors by name",
            fix="give a state_dict saved by torch.save",
        )
    network = build(architecture)
    features = _with_norms(found, network) or _convolutions(found, network)
    if not features:
        shapes = [tuple(tensor.shape) for tensor in found.values() if _is_convolution(tensor)]
        raise DataError(f"weights file {path} does not hold the convolutions of {architecture.factory}: {shapes}")
    if bad := [name for name, tensor in features.items() if not bool(torch.isfinite(tensor).all())]:
        raise DataError(f"weights file {path} is not finite in {', '.join(bad[:3])}")
    return features


def _with_norms(found: Mapping[str, Any], network: Network) -> dict[str, Tensor]:
    """Return all tensors of the features, of a file that has the same in the same order; else nothing."""
    own = {name: tensor for name, tensor in network.state_dict().items() if name.startswith("features.")}
    given = [tensor for tensor in found.values() if isinstance(tensor, Tensor)][: len(own)]
    if [tuple(tensor.shape) for tensor in given] != [tuple(tensor.shape) for tensor in own.values()]:
        return {}
    return {name: tensor.to(own[name].dtype) for name, tensor in zip(own, given, strict=True)}


def _convolutions(found: Mapping[str, Any], network: Network) -> dict[str, Tensor]:
    """Return the features with the file's convolutions and their biases, in order; nothing where they do not fit."""
    weights = [name for name, tensor in found.items() if _is_convolution(tensor)]
    own = network.state_dict()
    wanted = [name for name, tensor in own.items() if _is_convolution(tensor)]
    if [tuple(found[name].shape) for name in weights] != [tuple(own[name].shape) for name in wanted]:
        return {}
    initialise(network, generator(0, "features"))
    features = {name: tensor for name, tensor in state_of(network).items() if name.startswith("features.")}
    for source, target in zip(weights, wanted, strict=True):
        features[target] = found[source].float()
        bias = source.removesuffix("weight") + "bias"
        if bias in found:
            features[target.removesuffix("weight") + "bias"] = found[bias].float()
    return features


def _is_convolution(tensor: Any) -> bool:
    return isinstance(tensor, Tensor) and tensor.dim() == 4


def file_digest(path: Path) -> str:
    """Return the first 16 hexadecimal digits of a file's sha256. Raises `DataError` where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise DataError(f"weights file {path} cannot be read: {error.strerror}") from error
