"""Torchvision's image classifiers as networks, ``torchvision:NAME``; torchvision is imported when one is named."""

import functools
import warnings
from importlib import import_module
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from harness.errors import MachineError, UsageError, nearest
from harness.networks.architecture import Network
from harness.networks.depthwise import Depthwise
from harness.networks.narrowing import is_depthwise
from harness.networks.registered import HELD_TO, TORCHVISION

_HEADS = ("fc", "classifier", "head")


class TorchvisionClassifier(Network):
    """A torchvision classifier with two outputs: its last layers are the head, all before them are the features.

    ``features`` is torchvision's model with nothing in the place of its head, so that a tensor has torchvision's own
    name behind ``features.``; its pooling is a mean over the whole map. Source: the model's page in torchvision.
    """

    model: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        model = _built(self.model)
        name = _head_of(model, self.model)
        self.head = _on_vectors(getattr(model, name))
        setattr(model, name, nn.Identity())
        _keep_depthwise_precise(model)
        self.features = model

    def pooled(self, images: Tensor) -> Tensor:
        """Return what the model's head reads, shape (N, C), in float32 or finer."""
        features: Tensor = self.features(images).flatten(1)
        return features.to(torch.promote_types(features.dtype, torch.float32))


@functools.cache
def classifier(name: str) -> type[TorchvisionClassifier]:
    """Return the class of the network ``torchvision:NAME``.

    Raises `UsageError` naming the nearest for an unknown name and for what is no classifier, `MachineError` where
    torchvision cannot be used.
    """
    models = _models()
    known = models.list_models(module=models)
    if name not in known:
        what = "is no classifier of images" if name in models.list_models() else "is unknown"
        raise UsageError(
            f"torchvision's {name!r} {what}{nearest(name, known)}", fix=f"use one that is tested: {', '.join(HELD_TO)}"
        )
    known_weights = models.get_model_weights(name)
    weights = f"{TORCHVISION}{known_weights.__name__}" if hasattr(known_weights, "IMAGENET1K_V1") else ""
    return type(f"{TORCHVISION}{name}", (TorchvisionClassifier,), {"model": name, "imagenet": weights, "__doc__": name})


def _models() -> Any:
    try:
        return import_module("torchvision.models")
    except Exception as error:  # a build for another torch fails in ways of its own
        raise MachineError(
            f"torchvision, which has the network, cannot be used: {type(error).__name__}: {error}",
            fix="install the torchvision that fits torch, or name another network",
        ) from error


def _built(name: str) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what torchvision says of weights that it does not draw
        model: nn.Module = _models().get_model(name, weights=None, num_classes=2)
    return model


def _head_of(model: nn.Module, name: str) -> str:
    """Return the attribute of ``model`` that is its head. Raises `UsageError` where it does not fit."""
    if getattr(model, "aux_logits", False):
        raise _misfit(name, "it has auxiliary outputs")
    sizes = {str(pool.output_size) for pool in model.modules() if isinstance(pool, nn.AdaptiveAvgPool2d)}
    if sizes - {"1", "(1, 1)"}:
        raise _misfit(name, "its head reads a map, not its mean, and that pooling's gradient is not deterministic")
    heads = [head for head in _HEADS if hasattr(model, head)]
    if len(heads) != 1:
        raise _misfit(name, f"its head is none of {', '.join(_HEADS)}")
    last = [*getattr(model, heads[0]).modules()][-1]
    if not isinstance(last, nn.Linear):
        raise _misfit(name, "its last layer is not a linear one")
    return heads[0]


def _misfit(name: str, why: str) -> UsageError:
    return UsageError(
        f"torchvision's {name} cannot be used here: {why}", fix=f"use one that is tested: {', '.join(HELD_TO)}"
    )


def _on_vectors(head: nn.Module) -> nn.Sequential:
    """Return torchvision's head as one that reads (N, C) in the place of (N, C, 1, 1)."""
    layers = [*head.children()] if isinstance(head, nn.Sequential) else [head]
    return nn.Sequential(*(_on_vector(layer) for layer in layers if not isinstance(layer, nn.Flatten)))


def _on_vector(layer: nn.Module) -> nn.Module:
    if not isinstance(layer, nn.LayerNorm):
        return layer
    return nn.LayerNorm(layer.normalized_shape, eps=layer.eps)  # torchvision's moves the channels last and back


def _keep_depthwise_precise(model: nn.Module) -> None:
    """Have depthwise convolutions computed as those of the harness's own networks are."""
    for layer in model.modules():
        if type(layer) is nn.Conv2d and is_depthwise(layer):
            layer.__class__ = Depthwise
