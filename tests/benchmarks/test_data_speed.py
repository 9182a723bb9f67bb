"""The share of a training step that its images take: read from the mapped cache, then augmented; one thread.

In seconds of the processor. The network, size and batch are those of the preset `standard`; a step of it is forward,
loss, backward and AdamW.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.data.image_cache import cached_images
from harness.data.image_split import Rows
from harness.datasets.digits import Digits
from harness.images.decoding import Conversion
from harness.losses.class_dependent import ClassDependentLoss
from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise
from harness.randomness import generator
from harness.storage.store import Store
from harness.training.augmentation import augment
from harness.training.schedule import Schedule
from harness.training.stepper import Stepper, TrainingTask

BATCH, SIZE = 32, 128


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """Return 1,797 images in the store's file, 88 MB, in a training's order."""
    store, dataset = Store(tmp_path_factory.mktemp("data") / "store"), Digits()
    found = cached_images(dataset, dataset.samples(Path()), SIZE, Conversion(), store, lambda *_: None)
    return found.rows(torch.randperm(len(found.ids), generator=generator(0, "order")).numpy())


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", ["flips-affine", "paper"])
def test_data_over_data_and_step(compare: Any, mapped: Rows, kind: str, precision: str) -> None:
    draws, order = generator(0, "views"), generator(0, "batches")
    labels = (torch.arange(BATCH) % 5 == 0).to(torch.uint8)
    network = build(Architecture("efficientnet-lite0"))
    initialise(network, generator(0, "benchmark"))
    schedule = Schedule(batch_size=BATCH, clip=2.0, optimiser="adamw", precision=precision, device="cpu")  # type: ignore[arg-type]
    task = TrainingTask(
        module=network, images=mapped, targets=labels, loss=ClassDependentLoss(), evaluate=lambda _: 0.0
    )
    stepper = Stepper(task, schedule, torch.device("cpu"))
    stepper.module.train()

    def data() -> torch.Tensor:
        return augment(mapped[torch.randint(len(mapped), (BATCH,), generator=order)], kind, draws)

    def whole() -> torch.Tensor:
        return stepper.step(data(), labels, 0.001)

    name = f"images / images and step, efficientnet-lite0, {SIZE} px, {kind}, {precision}"
    compare(name, lambda: seconds(data), lambda: seconds(whole), rounds=12, aim=0.12)
