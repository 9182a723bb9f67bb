"""What the harness adds to a bare PyTorch loop, and what a mask adds to a step.

In seconds of the processor (one thread), so that a neighbour who takes the core away does not count.
"""

import time
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.losses.class_dependent import ClassDependentLoss
from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build, initialise
from harness.randomness import generator
from harness.sparsity.mask import Mask
from harness.sparsity.ranking import prune_least
from harness.training.augmentation import augment
from harness.training.fit import fit
from harness.training.schedule import Schedule
from harness.training.stepper import Stepper, TrainingTask

STEPS, BATCH, SIZE = 10, 32, 64
CPU = torch.device("cpu")
PRECISIONS = ["float32", "bfloat16"]


def schedule(precision: str, **changes: Any) -> Schedule:
    return Schedule(batch_size=BATCH, clip=2.0, precision=precision, device="cpu", keep="best", **changes)  # type: ignore[arg-type]


def network() -> Network:
    made = build(Architecture("alexnet-bn"))
    initialise(made, generator(0, "benchmark"))
    return made


def images() -> tuple[Tensor, Tensor]:
    draws = generator(0, "images")
    count = STEPS * BATCH
    pixels = torch.randint(0, 256, (count, 3, SIZE, SIZE), dtype=torch.uint8, generator=draws)
    return pixels, (torch.rand(count, generator=draws) < 0.2).to(torch.uint8)


@dataclass
class Clock:
    """A validation that costs nothing and notes when it was asked; rising, so that every epoch is kept."""

    asked: list[float] = field(default_factory=list)

    def __call__(self, _: nn.Module) -> float:
        self.asked.append(time.process_time())
        return float(len(self.asked))


class NoCheckpoints:
    due = False

    def load(self) -> None: ...

    def save(self, order: int, value: Any) -> None: ...

    def stepped(self, done: int, of: int) -> None: ...


def harness_epoch(precision: str) -> float:
    """Return the seconds of the second epoch of a training stage; the first one warms it up."""
    pixels, labels = images()
    clock = Clock()
    task = TrainingTask(module=network(), images=pixels, targets=labels, loss=ClassDependentLoss(), evaluate=clock)
    fit(task, schedule(precision, epochs=2), 0, NoCheckpoints())
    return clock.asked[1] - clock.asked[0]


class BareLoop:
    """What a careful user writes by hand: fused SGD, channels last, autocast, gradients clipped."""

    def __init__(self, precision: str) -> None:
        self.in_bfloat16 = precision == "bfloat16"
        self.network = network().to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.SGD(self.network.parameters(), lr=0.01, momentum=0.9, fused=True)
        self.images, self.labels = images()

    def epoch(self) -> float:
        start = time.process_time()
        self.network.train()
        draws = torch.Generator().manual_seed(0)
        for chosen in torch.randperm(len(self.images), generator=draws).split(BATCH):
            batch = augment(self.images[chosen], "flips-affine", draws)
            with torch.autocast("cpu", torch.bfloat16, enabled=self.in_bfloat16):
                logits = self.network(batch)
            loss = F.cross_entropy(logits, self.labels[chosen].long())
            self.optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
            self.optimiser.step()
        return time.process_time() - start


@pytest.mark.parametrize("precision", PRECISIONS)
def test_harness_epoch_over_bare_loop(compare: Any, precision: str) -> None:
    bare = BareLoop(precision)
    name = f"harness epoch / bare PyTorch loop, {precision}"
    compare(name, lambda: harness_epoch(precision), bare.epoch, rounds=16, aim=1.02)


def random_mask(of: Network, density: float) -> Mask:
    ones, draws = Mask.ones(of), generator(0, "mask")
    return prune_least({name: torch.rand(mask.shape, generator=draws) for name, mask in ones.items()}, ones, density)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_masked_over_dense_step(compare: Any, precision: str) -> None:
    pixels, labels = images()
    batch = augment(pixels[:BATCH], "flips-affine", generator(0, "views"))

    def stepper(density: float) -> Stepper:
        module = network()
        mask = random_mask(module, density) if density < 1 else None
        task = TrainingTask(
            module=module, images=pixels, targets=labels, loss=ClassDependentLoss(), evaluate=Clock(), mask=mask
        )
        made = Stepper(task, schedule(precision), CPU)
        made.module.train()
        return made

    def step(made: Stepper) -> float:
        start = time.process_time()
        made.step(batch, labels[:BATCH], 0.01)
        return time.process_time() - start

    dense, masked = stepper(1), stepper(0.0625)
    name = f"masked / dense step, {precision}"
    compare(name, lambda: step(masked), lambda: step(dense), rounds=100, aim=1.01)
