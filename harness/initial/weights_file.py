"""Convolutions from a torch weights file."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.errors import DataError
from harness.initial.matching import by_name, by_order
from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build, initialise, state_of
from harness.randomness import generator


def features_from_file(path: Path, architecture: Architecture) -> dict[str, Tensor]:
    """Return the features' tensors read from a torch weights file, such as torchvision's AlexNet; no code of it runs.

    Tensors are told by their names, else by their order where each layer has the same ones; else the four-dimensional
    weights are taken in order, with their biases. Raises `DataError` where they do not fit or are not finite.
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
    network, tensors = build(architecture), {str(name): value for name, value in found.items() if _is_plain(value)}
    own = {name: tensor for name, tensor in network.state_dict().items() if name.startswith("features.")}
    named = by_name(own, tensors)
    features = named if isinstance(named, dict) else by_order(own, tensors) or _convolutions(tensors, network)
    if not features:
        shapes = [tuple(tensor.shape) for tensor in tensors.values() if _is_convolution(tensor)]
        raise DataError(
            f"weights file {path} does not hold the convolutions of {architecture.factory}: {named or shapes}"
        )
    if bad := [name for name, tensor in features.items() if not bool(torch.isfinite(tensor).all())]:
        raise DataError(f"weights file {path} is not finite in {', '.join(bad[:3])}")
    return features


def _convolutions(found: Mapping[str, Tensor], network: Network) -> dict[str, Tensor]:
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


def _is_convolution(tensor: Tensor) -> bool:
    return tensor.dim() == 4


def _is_plain(value: Any) -> bool:
    return isinstance(value, Tensor) and value.layout == torch.strided and not value.is_quantized and value.is_cpu


def file_digest(path: Path) -> str:
    """Return the first 16 hexadecimal digits of a file's sha256. Raises `DataError` where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise DataError(f"weights file {path} cannot be read: {error.strerror}") from error
