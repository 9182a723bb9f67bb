"""What the stage store costs for a stage as large as a network, in units of one training step."""

import time
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.losses.class_dependent import ClassDependentLoss
from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise, state_of
from harness.randomness import generator
from harness.storage.store import Store
from harness.training.augmentation import augment
from harness.training.schedule import Schedule
from harness.training.stepper import Stepper, TrainingTask

BATCH, SIZE = 32, 64


@pytest.fixture
def step() -> Any:
    """Return a function that takes one float32 step of 32 images of 64 px and returns its seconds."""
    draws = generator(0, "images")
    pixels = torch.randint(0, 256, (BATCH, 3, SIZE, SIZE), dtype=torch.uint8, generator=draws)
    labels = (torch.arange(BATCH) % 5 == 0).to(torch.uint8)
    module = build(Architecture("alexnet-bn"))
    initialise(module, draws)
    task = TrainingTask(module=module, images=pixels, targets=labels, loss=ClassDependentLoss(), evaluate=lambda _: 0.0)
    stepper = Stepper(task, Schedule(precision="float32", device="cpu"), torch.device("cpu"))
    stepper.module.train()

    def take() -> float:
        start = time.perf_counter()
        stepper.step(augment(pixels, "flips-affine", draws), labels, 0.01)
        return time.perf_counter() - start

    return take


@pytest.fixture
def stage(tmp_path: Path) -> Any:
    """Return a function that asks for stage ``number``, network in and network out, and returns its seconds."""
    store = Store(tmp_path / "store")
    network = build(Architecture("alexnet-bn"))
    initialise(network, generator(0, "stage"))
    state = state_of(network)

    def ask(number: int) -> float:
        start = time.perf_counter()
        store.run("benchmark", {"number": number, "state": state}, lambda _: {"state": state})
        return time.perf_counter() - start

    return ask


def test_store_miss_in_steps(compare: Any, stage: Any, step: Any) -> None:
    numbers = count()
    compare("stage store miss / training step", lambda: stage(next(numbers)), step, rounds=20)


def test_store_hit_in_steps(compare: Any, stage: Any, step: Any) -> None:
    stage(0)
    compare("stage store hit / training step", lambda: stage(0), step, rounds=40)
