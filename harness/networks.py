"""Networks by name: an `Architecture` (factory name and JSON arguments) plus tensors, rebuilt without pickle."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from harness.errors import UsageError
from harness.suggestions import nearest


@dataclass(frozen=True)
class Architecture:
    """How to rebuild a network: the name of its factory and that factory's JSON arguments."""

    factory: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


class Network(nn.Module):
    """Convolutional ``features``, a global mean and a small ``head`` with two logits (negative, positive).

    Input (N, 3, S, S) normalised; output (N, 2) in float32 or finer. The head never computes in bfloat16: its
    logits would tie, and ties decide which positives are missed.
    """

    architecture: Architecture
    features: nn.Sequential
    head: nn.Sequential

    @property
    def pooled_width(self) -> int:
        """Number of channels that the head reads."""
        return next(layer.in_features for layer in self.head if isinstance(layer, nn.Linear))

    def pooled(self, images: Tensor) -> Tensor:
        """Return the features' global mean, shape (N, C), in float32 or finer.

        A plain mean: the backward of adaptive pooling is not deterministic on every device.
        """
        features: Tensor = self.features(images)
        return features.to(torch.promote_types(features.dtype, torch.float32)).mean(dim=(2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """Return the two logits, shape (N, 2)."""
        pooled = self.pooled(images)
        with torch.autocast(pooled.device.type, enabled=False):
            logits: Tensor = self.head(pooled)
        return logits


def positive_scores(logits: Tensor) -> Tensor:
    """Return the score of each image: the positive logit minus the negative one; (N, 2) -> (N,)."""
    return logits[:, 1] - logits[:, 0]


# Krizhevsky's one-GPU AlexNet: output channels, kernel, stride, padding, pooled afterwards?
_ALEXNET_CONVOLUTIONS = (
    (64, 11, 4, 2, True),
    (192, 5, 1, 2, True),
    (384, 3, 1, 1, False),
    (256, 3, 1, 1, False),
    (256, 3, 1, 1, True),
)


def _alexnet_features(*, batch_norm: bool) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels = 3
    for index, (width, kernel, stride, padding, pooled) in enumerate(_ALEXNET_CONVOLUTIONS, start=1):
        layers[f"conv{index}"] = nn.Conv2d(channels, width, kernel, stride, padding)
        if batch_norm:
            layers[f"norm{index}"] = nn.BatchNorm2d(width)
        layers[f"relu{index}"] = nn.ReLU(inplace=True)
        if pooled:
            layers[f"pool{index}"] = nn.MaxPool2d(3, 2)
        channels = width
    return nn.Sequential(layers)


class AlexNet(Network):
    """The paper's network: AlexNet features, 1x1 mean, Linear 256-8, 8-8, 8-2; 2,471,842 parameters.

    Source: Entezari & Saukh 2020, Sec. III-C and the released ``AlexNet3.py``. Its 8-8-2 ReLU head dies under
    pruning unless the convolutions come from ImageNet.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = _alexnet_features(batch_norm=False)
        self.head = nn.Sequential(
            nn.Dropout(),
            nn.Linear(256, 8),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(8, 8),
            nn.ReLU(),
            nn.Linear(8, 2),
        )


class AlexNetBN(Network):
    """AlexNet features with batch norm after each convolution and one linear layer; 2,472,514 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.features = _alexnet_features(batch_norm=True)
        self.head = nn.Sequential(nn.Dropout(), nn.Linear(256, 2))


FACTORIES: dict[str, Callable[..., Network]] = {"alexnet": AlexNet, "alexnet-bn": AlexNetBN}


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Draw every weight of ``module`` anew (He et al. 2015, normal, fan in); biases 0, norms 1 and 0."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.reset_parameters()


def build(architecture: Architecture, state: Mapping[str, Tensor] | None = None) -> Network:
    """Return the network of ``architecture`` in evaluation mode with copies of ``state``'s tensors.

    Without a state the weights are uninitialised. Raises `UsageError` for an unknown factory.
    """
    factory = FACTORIES.get(architecture.factory)
    if factory is None:
        raise UsageError(
            f"unknown network {architecture.factory!r}{nearest(architecture.factory, FACTORIES)}",
            fix=f"use one of: {', '.join(FACTORIES)}",
        )
    with torch.device("meta"):
        network = factory(**architecture.arguments)
    network = network.to_empty(device="cpu")
    network.architecture = architecture
    if state is not None:
        network.load_state_dict({name: tensor.detach().clone() for name, tensor in state.items()}, assign=True)
    return network.eval()


def state_of(network: nn.Module) -> dict[str, Tensor]:
    """Return contiguous CPU copies of all parameters and buffers, by name."""
    return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in network.state_dict().items()}


def copy_of(network: Network) -> Network:
    """Return an independent copy: same architecture, same tensors, no hooks, evaluation mode."""
    return build(network.architecture, state_of(network))


def parameter_count(network: nn.Module) -> int:
    """Return the number of all parameters: weights, biases and norms."""
    return sum(parameter.numel() for parameter in network.parameters())
