"""A bench on which nothing is trained: what a method asks of it is noted, with the steps that it would take."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor

from harness.forecast.work import Cost, Piece
from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build, initialise, skeleton
from harness.networks.stand_in import NAME
from harness.pruning.workbench import Workbench
from harness.randomness import generator
from harness.sparsity.mask import Mask
from harness.storage.canonical import digest
from harness.storage.stage import Stage
from harness.training.schedule import Schedule

IMAGES, SIZE = 8, 8
"""Of a batch for scoring, whatever a method asks for, and their pixels."""

_LEAST, _ROOT = 0.15, 0.85
"""Of a step's seconds, when channels are cut out: on three networks at four densities within a factor 1.6."""


class NotCounted(BaseException):
    """What the method asks for cannot be had here; no Exception, so that a method does not catch it."""


class OwnNetwork(NotCounted):
    """The method asks for a network of its own, which it chooses by the planned network's size."""


class DryStore:
    """Notes each stage once. A training gives its start, changed a little; `Workbench.compute` does compute.

    ``name`` is the planned network's, ``images`` the number of training images; without ``computes`` computing raises
    `NotCounted`.
    """

    def __init__(self, name: str, images: int, *, computes: bool) -> None:
        self.name, self.images, self.computes = name, images, computes
        self.of_method = ""
        self._known: dict[str, Any] = {}
        self._new: list[Piece] = []

    def taken(self) -> tuple[Piece, ...]:
        """Return what was asked for since the last call."""
        found, self._new = tuple(self._new), []
        return found

    def note(self, piece: Piece) -> None:
        """Note a piece that is no stage of the bench."""
        if piece.id not in self._known:
            self._known[piece.id] = None
            self._new.append(piece)

    def run(self, kind: str, inputs: Any, compute: Callable[[Any], Any]) -> Stage:
        """Return a stage as `Store.run` does, made up where it is a training."""
        key = digest([kind, inputs, self.of_method])
        if key not in self._known:
            if kind == "train":
                self._known[key] = self._training(key, inputs)
            else:
                self._known[key] = self._computation(key, inputs, compute)
        return Stage(key, self._known[key], 0.0, 0.0, replayed=False)

    def _computation(self, key: str, inputs: Any, compute: Callable[[Any], Any]) -> Any:
        if not self.computes:
            raise NotCounted
        self._new.append(Piece(key, Cost("compute", inputs["function"])))
        return compute(None)

    def _training(self, key: str, inputs: Any) -> dict[str, Any]:
        steps = steps_of(inputs["schedule"], inputs["epochs"], self.images)
        architecture = inputs["architecture"]
        share = self._share(architecture)
        what = str(architecture) if share is None else self.name
        scale = 1.0 if share in (None, 1.0) else _LEAST + _ROOT * math.sqrt(share or 0.0)
        self._new.append(Piece(key, Cost("train", what), steps * scale, steps))
        state = {name: _moved(tensor, key) for name, tensor in inputs["state"].items()}
        if inputs["mask"] is not None:
            state |= {name: state[name].masked_fill(~kept, 0.0) for name, kept in inputs["mask"].items()}
        return {"outcome": "trained", "state": state, "steps": steps, "kept_step": steps, "kept_epoch": 1}

    def _share(self, architecture: Architecture) -> float | None:
        """Return what is left of the parameters of the network that is pruned, None of one that is not it."""
        if architecture.factory not in (NAME, self.name):
            return None
        if not architecture.shapes:
            return 1.0
        left, whole = (
            sum(parameter.numel() for parameter in skeleton(one).parameters())
            for one in (architecture, replace(architecture, shapes={}))
        )
        return left / whole


def steps_of(schedule: Schedule, span: tuple[int, int] | None, images: int) -> int:
    """Return the steps of a training on so many images, of its epochs first to last - 1 alone where a span is given."""
    total, each = schedule.total_steps(images), schedule.steps_per_epoch(images)
    first, last = span or (0, math.ceil(total / each))
    return min(last * each, total) - first * each


def _moved(tensor: Tensor, key: str) -> Tensor:
    """Return a tensor as another training would have left it: no two keys give the same."""
    if not tensor.is_floating_point() or tensor.dim() == 0:
        return tensor
    draws = generator(int(key[:8], 16), "dry")
    return tensor + 0.01 * torch.rand(tensor.shape, generator=draws, dtype=tensor.dtype)


class DryBench(Workbench):
    """A bench over a `DryStore`: few images to score on.

    Two methods that leave the same of the stand-in, which has few channels, would not of the planned network: what is
    trained of a pruned one is the method's own.
    """

    def train(self, network: Network, mask: Mask | None = None, round: int = 0, **how: Any) -> Network:
        """Return ``network`` as if it were trained."""
        store = cast("DryStore", self._store)
        whole = (mask is None or not mask.pruned) and not network.architecture.shapes
        store.of_method = "" if whole else self._method
        try:
            return super().train(network, mask, round, **how)
        finally:
            store.of_method = ""

    def batches(self, images: int) -> list[tuple[Tensor, Tensor]]:
        """Return one small batch, whatever number is asked for."""
        return super().batches(min(images, IMAGES))


def no_network(_: Architecture) -> Network:
    """Refuse a network of the method's own, on the stand-in."""
    raise OwnNetwork


def drawn(architecture: Architecture) -> Network:
    """Return a network with drawn weights."""
    network = build(architecture)
    initialise(network, generator(0, "dry"))
    return network
