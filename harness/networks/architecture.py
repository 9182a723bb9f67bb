"""What a network is to the harness: an `Architecture`, which rebuilds it, features and a small head."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from harness.key_fields import YOUNGER


@dataclass(frozen=True)
class Architecture:
    """How to rebuild a network: the name of its factory, that factory's JSON arguments, and what was cut out since.

    ``shapes`` are those of the tensors, by name, that are not as the factory makes them.
    """

    key_name: ClassVar[str] = ""
    factory: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    shapes: Mapping[str, Sequence[int]] = field(default_factory=dict, metadata=YOUNGER)

    def __str__(self) -> str:
        written = ",".join(f"{name}={value}" for name, value in sorted(self.arguments.items()))
        name = f"{self.factory}[{written}]" if written else self.factory
        return f"{name}, narrowed" if self.shapes else name


class Network(nn.Module):
    """Convolutional ``features``, a global mean and a small ``head`` with two logits (negative, positive).

    Input (N, 3, S, S) normalised; output (N, 2) in float32 or finer. The head never computes in bfloat16: its
    logits would tie, and ties decide which positives are missed.
    """

    imagenet: ClassVar[str] = ""
    """Where ImageNet weights for it are: ``torchvision:ENUM``, or ``package:MODULE`` that has them in a file."""

    architecture: Architecture
    features: nn.Module
    head: nn.Sequential

    @classmethod
    def made_of(cls, arguments: Mapping[str, Any]) -> Sequence[Architecture]:  # noqa: ARG003
        """Return the architectures of other networks that ``arguments`` name: their code decides its bits, too."""
        return ()

    @property
    def pooled_width(self) -> int:
        """Number of channels that the head reads."""
        return next(layer.in_features for layer in self.head.modules() if isinstance(layer, nn.Linear))

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
