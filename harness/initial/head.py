"""W0: where every method of one seed starts. Given convolutions, and a seeded head redrawn until it responds."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from harness.data.image_split import Images
from harness.errors import UsageError
from harness.networks.architecture import Architecture, Network, positive_scores
from harness.networks.factories import build, initialise, state_of
from harness.randomness import generator
from harness.storage.store import Store
from harness.training.inference import moves, outputs_of
from harness.training.version import TRAINING_VERSION

HEAD_DRAWS = 100
HEAD_BATCH = 64


def initial_network(
    store: Store,
    architecture: Architecture,
    features: dict[str, Tensor] | None,
    images: Images,
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
    """Return whether most of what each later linear layer of the head reads, and the score itself, differ by image."""
    read: list[Tensor] = []
    _, *later = [layer for layer in network.head.modules() if isinstance(layer, nn.Linear)]
    hooks = [layer.register_forward_pre_hook(lambda _layer, inputs: read.append(inputs[0])) for layer in later]
    scores = positive_scores(outputs_of(network, images, torch.device("cpu")))
    for hook in hooks:
        hook.remove()
    shares = [np.mean([moves(unit) for unit in units.T]) for units in read]
    return moves(scores) and all(share > 0.5 for share in shares)
