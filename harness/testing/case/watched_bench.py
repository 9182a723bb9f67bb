"""A real workbench on small seeded images, watched: what a method calls, and what it computes when."""

import copy
import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.data.image_split import ImageSplit
from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build, initialise
from harness.pruning.workbench import Workbench
from harness.randomness import generator
from harness.sparsity.mask import Mask
from harness.storage.checkpoint import Checkpoint
from harness.storage.stage import Stage
from harness.storage.store import Store
from harness.training.schedule import Schedule

SIZE = 16
"""Pixels of an image's side."""

SCHEDULE = Schedule(
    epochs=2,
    batch_size=12,
    learning_rate=0.05,
    clip=2.0,
    dropout=0.2,
    augmentation="none",
    precision="float32",
    device="cpu",
)

_ITSELF = {"harness.pruning.workbench", "harness.testing.case.watched_bench"}


class WatchedStore(Store):
    """A store that knows which kind of stage is being computed, how many were, and may fail at a given one.

    ``trainings``: the store that keeps the trained networks, which are the harness's work and not the method's.
    """

    def __init__(self, root: Path, trainings: Store | None = None) -> None:
        super().__init__(root)
        self.trainings = trainings
        self.asked = 0
        self.computed: list[str] = []
        self.inside: str | None = None
        self.before: Callable[[int], None] = lambda _: None
        self.after: Callable[[int], None] = lambda _: None

    def run(self, kind: str, inputs: Any, compute: Callable[[Checkpoint], Any]) -> Stage:
        """Do as `Store.run` does; tell ``before`` and ``after`` the number of this stage, from 1."""
        self.asked += 1
        self.before(self.asked)

        def watched(saver: Checkpoint) -> Any:
            self.computed.append(kind)
            self.inside = kind
            try:
                return compute(saver)
            finally:
                self.inside = None

        elsewhere = self.trainings if kind == "train" else None
        stage = elsewhere.run(kind, inputs, watched) if elsewhere else super().run(kind, inputs, watched)
        self.after(self.asked)
        return stage


@dataclass(frozen=True)
class Training:
    """One call of `bench.train`: the pruned parameters of its mask, its round, and its network's parameters."""

    pruned: int
    round: int
    parameters: int


class WatchedBench(Workbench):
    """A workbench that remembers what it was asked, and who reached for what is not public."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.trainings: list[Training] = []
        self.functions: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        self.reached: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        """Return the attribute; remember a private one that another module takes."""
        if name.startswith("_") and not name.startswith("__"):
            caller = sys._getframe(1).f_globals.get("__name__")
            if caller not in _ITSELF:
                object.__getattribute__(self, "reached").append(name)
        return object.__getattribute__(self, name)

    def train(self, network: Network, mask: Mask | None = None, round: int = 0, **length: Any) -> Network:
        """Do as `Workbench.train` does."""
        parameters = sum(parameter.numel() for parameter in network.parameters())
        self.trainings.append(Training(mask.pruned if mask is not None else 0, round, parameters))
        return super().train(network, mask, round, **length)

    def compute(self, function: Callable[..., Any], *inputs: Any) -> Any:
        """Do as `Workbench.compute` does."""
        self.functions.append((function, copy.deepcopy(inputs)))
        return super().compute(function, *inputs)


def split(images: int, seed: int) -> ImageSplit:
    """Return noise of which every third image is positive and carries a bright spot; (N, 3, 16, 16)."""
    draws = np.random.default_rng(seed)
    labels = (np.arange(images) % 3 == 0).astype(np.uint8)
    pixels = draws.integers(60, 140, size=(images, 3, SIZE, SIZE)).astype(np.uint8)
    for index in np.flatnonzero(labels):
        top, left = draws.integers(2, SIZE - 6, size=2)
        pixels[index, :, top : top + 4, left : left + 4] = 250
    ids = [f"{seed}-{index}" for index in range(images)]
    return ImageSplit.of(torch.from_numpy(pixels), torch.from_numpy(labels), ids)


def start(architecture: Architecture, seed: int) -> Network:
    """Return W0 of ``seed``."""
    network = build(architecture)
    initialise(network, generator(seed, "check"))
    return network


@functools.cache
def first_of(network: str, seed: int = 0) -> Network:
    """Return W0 of a network by its name, made once: benches give copies of it."""
    return start(Architecture(network), seed)
