"""What each method's choice of weights or channels costs, in training steps: everything but training.

``alexnet-bn`` at 64 px, 512 scoring images, one level (6.25 %), an empty store each time; a step has 32 images.
Sequential methods walk their own rounds down to the level, with the trained network of each round given.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from harness import plugins
from harness.data.image_split import ImageSplit
from harness.losses.class_dependent import ClassDependentLoss
from harness.losses.registered import schedule_named
from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build, copy_of, initialise
from harness.planning.pruners import borrowed, build_pruner
from harness.pruning.workbench import Workbench
from harness.randomness import generator
from harness.sparsity.mask import Mask
from harness.storage.store import Store
from harness.training.schedule import Schedule
from harness.training.stepper import Stepper, TrainingTask

IMAGES, SIZE, BATCH, LEVEL = 512, 64, 32, 0.0625
SCHEDULE = Schedule(batch_size=BATCH, precision="float32", device="cpu")


def started(architecture: Architecture) -> Network:
    network = build(architecture)
    initialise(network, generator(0, "benchmark"))
    return network


def split(count: int) -> ImageSplit:
    draws = generator(0, "images")
    images = torch.randint(0, 256, (count, 3, SIZE, SIZE), dtype=torch.uint8, generator=draws)
    return ImageSplit.of(images, (torch.arange(count) % 5 == 0).to(torch.uint8), [str(i) for i in range(count)])


TRAIN = split(IMAGES)


class Untrained(Workbench):
    """A bench whose training takes no time."""

    def train(self, network: Network, mask: Mask | None = None, round: int = 0, **_: Any) -> Network:
        same = copy_of(network)
        if mask is not None:
            mask.apply_(same)
        return same


def choose(method: str) -> float:
    pruner = build_pruner(method, {})
    with tempfile.TemporaryDirectory() as folder:
        bench = Untrained(
            store=Store(Path(folder)),
            initial=started(Architecture("alexnet-bn")),
            own=started,
            train=TRAIN,
            validation=split(2),
            schedule=SCHEDULE,
            losses=schedule_named("plain"),
            seed=0,
            method=method,
            environment="benchmark",
            lend=borrowed,
        )
        start = time.process_time()
        list(pruner.prune(bench, [LEVEL] if pruner.level_order == "independent" else [1.0, LEVEL]))
        return time.process_time() - start


class Step:
    def __init__(self) -> None:
        module = started(Architecture("alexnet-bn"))
        task = TrainingTask(
            module=module, images=TRAIN.images, targets=TRAIN.labels, loss=ClassDependentLoss(), evaluate=lambda _: 0.0
        )
        self.stepper = Stepper(task, SCHEDULE, torch.device("cpu"))
        self.stepper.module.train()
        self.images = torch.randn(BATCH, 3, SIZE, SIZE, generator=generator(0, "step"))

    def __call__(self) -> float:
        start = time.process_time()
        for _ in range(4):
            self.stepper.step(self.images, TRAIN.labels[:BATCH], 0.001)
        return (time.process_time() - start) / 4


@pytest.mark.parametrize("method", sorted(plugins.available(plugins.PRUNERS)))
def test_choice_over_step(compare: Any, method: str) -> None:
    compare(f"{method}: choosing what stays / training step", lambda: choose(method), Step(), rounds=4)
