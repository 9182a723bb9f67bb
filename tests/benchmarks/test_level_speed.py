"""What scoring a level adds to the bare forward passes over its images; seconds of the processor.

``alexnet-bn`` at 64 px on the validation and test images of ``isic-sim``, with an empty store each time.
"""

import shutil
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.data import loading
from harness.data.image_split import ImageSplit
from harness.data.loading import read_images, training_splits
from harness.evaluation.figures import evaluate
from harness.planning.plan import Plan
from harness.running.cell import Cell
from harness.running.cells import cells, score_test
from harness.running.scoring import fixed_thresholds, score
from harness.storage.store import Store
from harness.training.augmentation import normalise

BATCH = 128


@pytest.fixture
def dense(plan_of: Any) -> tuple[Plan, Cell]:
    """Return a plan and its dense cell, hardly trained."""
    plan = plan_of("training.max_steps=2", methods=["magnitude"], data={"name": "isic-sim"}, network="alexnet-bn")
    read_images(plan.data, Store(plan.store))
    (cell,) = cells(plan, plan.entries[0], 0, [1.0])
    return plan, cell


def timed(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def forward(cell: Cell, splits: list[ImageSplit]) -> None:
    """Run the network over all images, as anybody would."""
    assert cell.pruned is not None
    network = cell.pruned.network.to(memory_format=torch.channels_last).eval()
    with torch.inference_mode():
        for split in splits:
            for start in range(0, len(split.images), BATCH):
                network(normalise(split.images[start : start + BATCH]))


def test_scoring_over_forward_passes(compare: Any, dense: tuple[Plan, Cell], tmp_path: Path) -> None:
    plan, cell = dense
    validation, tested = training_splits(plan.data, plan.store, 0)[1], loading.test_split(plan.data, plan.store)
    numbers = count()

    def scoring() -> None:
        store = Store(tmp_path / f"scores {next(numbers)}")
        assert cell.pruned is not None
        scored = score(cell.pruned.network, validation, plan, store)
        found = fixed_thresholds(scored, validation, plan.verdict.sensitivity, store)
        values = {name: threshold.value for name, threshold in found.items()}
        evaluate(validation.labels.numpy(), scored.value["scores"].numpy(), values, plan.verdict)
        score_test(plan, cell, store)

    name = "scoring a level / bare forward passes, alexnet-bn, 64 px"
    compare(
        name, lambda: timed(scoring), lambda: timed(lambda: forward(cell, [validation, tested])), rounds=12, aim=1.2
    )


def test_all_of_a_level_over_forward_passes(compare: Any, dense: tuple[Plan, Cell]) -> None:
    """All that a level of a trained network costs: found in the store, inspected, packed, scored on both splits."""
    plan, cell = dense
    splits = [training_splits(plan.data, plan.store, 0)[1], loading.test_split(plan.data, plan.store)]
    store = Store(plan.store)

    def level() -> None:
        for found in cells(plan, plan.entries[0], 0, [1.0], store):
            score_test(plan, found, store)

    def again() -> float:
        for folder, kind in list(store.folders()):
            if kind in ("score", "thresholds"):
                shutil.rmtree(folder)
        return timed(level)

    name = "all of a level but its training / bare forward passes, alexnet-bn, 64 px"
    compare(name, again, lambda: timed(lambda: forward(cell, splits)), rounds=8)
