"""W0: where every method of one seed starts. Given convolutions, and a seeded head redrawn until it responds."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from harness.errors import DataError, UsageError
from harness.networks.factories import Architecture, Network, build, initialise, positive_scores, state_of
from harness.randomness import generator
from harness.storage.store import Store
from harness.training.fit import TRAINING_VERSION
from harness.training.inference import moves, outputs_of

HEAD_DRAWS = 100
HEAD_BATCH = 64


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


def initial_network(
    store: Store,
    architecture: Architecture,
    features: dict[str, Tensor] | None,
    images: Tensor,
    seed: int,
    environment: str,
) -> Network:
    """Return W0 of ``seed``: the given features (None: drawn from the seed) and a head redrawn until it responds."""
    inputs = {
        "environment": environment,
        "version": TRAINING_VERSION,
        "architecture": architecture,
        "features": features,
        "images": images[:HEAD_BATCH],
        "seed": seed,
    }
    drawn = store.run("head", inputs, lambda _: _draw_head(architecture, features, images[:HEAD_BATCH], seed))
    return build(architecture, drawn.value["state"])


def _draw_head(
    architecture: Architecture, features: dict[str, Tensor] | None, images: Tensor, seed: int
) -> dict[str, Any]:
    for draw in range(HEAD_DRAWS):
        network = build(architecture)
        initialise(network, generator(seed, "head", draw))
        if features is not None:
            network.load_state_dict(features, strict=False)
        if responds(network, images):
            return {"state": state_of(network), "draws": draw + 1}
    raise UsageError(
        f"no head of {architecture.factory} responds to images: {HEAD_DRAWS} draws gave constant scores",
        fix="use other start weights (--weights) or another network (--network)",
    )


def responds(network: Network, images: Tensor) -> bool:
    """Return whether most hidden units of the head, and the score itself, differ from image to image."""
    hidden: list[Tensor] = []
    hooks = [
        layer.register_forward_hook(lambda _layer, _inputs, output: hidden.append(output))
        for layer in network.head
        if isinstance(layer, nn.ReLU)
    ]
    scores = positive_scores(outputs_of(network, images, torch.device("cpu")))
    for hook in hooks:
        hook.remove()
    shares = [np.mean([moves(unit) for unit in layer.T]) for layer in hidden]
    return moves(scores) and all(share > 0.5 for share in shares)
