"""bfloat16 in channels-last layout against float32 in PyTorch's own, and whether the AUC suffers.

The step is a bare PyTorch one; seconds of the processor. Only where the processor multiplies in bfloat16.
"""

import math
import time
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from harness.data import loading
from harness.data.image_split import ImageSplit
from harness.data.loading import read_images
from harness.environment import native_precision
from harness.evaluation.auc import delong
from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise
from harness.planning.plan import Plan
from harness.randomness import generator
from harness.running.cells import cells, score_test
from harness.storage.store import Store

BATCH = 32
pytestmark = pytest.mark.skipif(native_precision("cpu") != "bfloat16", reason="this processor has no bfloat16")


def step_of(size: int, *, bfloat16: bool) -> Any:
    """Return a function that takes one training step of made-up images and returns its seconds."""
    network = build(Architecture("alexnet-bn"))
    initialise(network, generator(0, "benchmark"))
    layout = torch.channels_last if bfloat16 else torch.contiguous_format
    network.to(memory_format=layout).train()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.001, momentum=0.9)
    images = torch.randn(BATCH, 3, size, size, generator=generator(0, "images")).to(memory_format=layout)
    labels = (torch.arange(BATCH) % 5 == 0).long()

    def step() -> float:
        start = time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            outputs = network(images)
        optimiser.zero_grad()
        nn.functional.cross_entropy(outputs.float(), labels).backward()
        optimiser.step()
        return time.process_time() - start

    return step


@pytest.mark.parametrize("size", [96, 128])
def test_bfloat16_over_float32_step(compare: Any, size: int) -> None:
    name = f"bfloat16 and channels-last / float32 step, alexnet-bn, {size} px"
    compare(name, step_of(size, bfloat16=True), step_of(size, bfloat16=False), rounds=16, aim=0.6)


def test_bfloat16_keeps_the_auc(benchmark: Any, plan_of: Any, capsys: Any) -> None:
    """The same training in both, 150 steps: the AUC of the one lies in the other's 95 % interval over the images."""

    def tested(precision: str) -> tuple[Plan, tuple[float, ...]]:
        plan = plan_of(f"training.precision={precision}", methods=["magnitude"], data={"name": "isic-sim"})
        store = Store(plan.store)
        read_images(plan.data, store)
        (record,) = [score_test(plan, cell, store) for cell in cells(plan, plan.entries[0], 0, [1.0], store)]
        assert record.test_scores
        return plan, record.test_scores

    def both() -> tuple[ImageSplit, list[tuple[float, ...]]]:
        (plan, bfloat16), (_, float32) = tested("bfloat16"), tested("float32")
        return loading.test_split(plan.data, plan.store), [bfloat16, float32]

    split, scores = benchmark.pedantic(both, rounds=1, iterations=1)
    aucs, covariance = delong(split.labels.numpy(), np.array(scores))
    within = 1.96 * math.sqrt(covariance[1, 1])
    with capsys.disabled():
        print(f"\nAUC {aucs[0]:.3f} in bfloat16, {aucs[1]:.3f} in float32, 95 % within {within:.3f} of it")
    assert abs(aucs[0] - aucs[1]) <= within
