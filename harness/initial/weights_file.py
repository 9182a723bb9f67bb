"""Convolutions from a torch weights file."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from harness.errors import DataError
from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise, state_of
from harness.randomness import generator


def features_from_file(path: Path, architecture: Architecture) -> dict[str, Tensor]:
    """Return convolution tensors read from a torch weights file, such as torchvision's AlexNet.

    The file's four-dimensional weights and their biases are taken in order. Raises `DataError` where they do not fit.
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
    weights = [name for name, tensor in found.items() if isinstance(tensor, Tensor) and tensor.dim() == 4]
    network = build(architecture)
    wanted = [name for name, tensor in network.state_dict().items() if tensor.dim() == 4]
    shapes = [tuple(found[name].shape) for name in weights]
    if shapes != [tuple(network.state_dict()[name].shape) for name in wanted]:
        raise DataError(f"weights file {path} does not hold the convolutions of {architecture.factory}: {shapes}")
    initialise(network, generator(0, "features"))
    features = {name: tensor for name, tensor in state_of(network).items() if name.startswith("features.")}
    for source, target in zip(weights, wanted, strict=True):
        features[target] = found[source].float()
        bias = source.removesuffix("weight") + "bias"
        if bias in found:
            features[target.removesuffix("weight") + "bias"] = found[bias].float()
    return features


def file_digest(path: Path) -> str:
    """Return the first 16 hexadecimal digits of a file's sha256. Raises `DataError` where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise DataError(f"weights file {path} cannot be read: {error.strerror}") from error
