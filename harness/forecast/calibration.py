"""Seconds of the processor for each kind of work of a plan, measured on this machine at the planned size."""

import signal
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch

from harness.data.image_split import ImageSplit, Rows
from harness.data.pictures import pictures
from harness.forecast.counting import Counter
from harness.forecast.dry_bench import DryStore, NotCounted
from harness.forecast.work import CELL, TWIN, Cost
from harness.networks.architecture import Network
from harness.networks.factories import copy_of, parameter_count
from harness.planning.entries import Entry
from harness.planning.plan import Plan
from harness.pruning.pruned_network import PrunedNetwork
from harness.randomness import generator
from harness.running.inspection import inspect
from harness.training.augmentation import augment
from harness.training.inference import outputs_of
from harness.training.stepper import Stepper, TrainingTask

STEPS = 3
"""That are timed, after one for warming up."""
ENOUGH_S = 1.5
"""Of timed steps: then fewer will do."""
LONGEST_S = 3.5
"""Of the processor, that a method's own computing may take here, before it is left to a run to measure."""
DRAWN, DECODED = 64, 12
PROBE_S = 0.3
"""Of the nine regressions of the probe, beside its passes over the images."""

EXPORT_S, EXPORT_EACH_S = 2.0, 0.07
"""Of exporting and quantising a network, and of each of its modules beside: to measure it here takes too long."""

Tell = Callable[[Cost, float], None]
"""Is told what a unit of a cost takes."""


class Calibration:
    """Measures under one plan; ``counts`` are the images of its three splits."""

    def __init__(self, plan: Plan, counts: dict[str, int], tell: Tell) -> None:
        self.plan, self.counts, self.tell = plan, counts, tell
        size = plan.data.size
        self._images = torch.randint(256, (DRAWN, 3, size, size), generator=generator(0, "forecast")).to(torch.uint8)

    def training(self, network: Network) -> None:
        """Measure a step of training a network, with its share of the validation that chooses an epoch."""
        schedule = self.plan.training
        images = self._some(schedule.batch_size)
        targets = (torch.arange(len(images)) % 2).to(torch.uint8)
        loss = self.plan.entries[0].loss.resolve(0, 1, 1)
        module = copy_of(network)
        task = TrainingTask(module=module, images=images, targets=targets, loss=loss, evaluate=lambda _: 0.0)
        stepper, views = Stepper(task, schedule, torch.device("cpu")), generator(0, "forecast")
        module.train()
        taken: list[float] = []
        while len(taken) <= STEPS and sum(taken) < ENOUGH_S:
            began = time.process_time()
            stepper.step(augment(images, schedule.augmentation, views), targets, 1e-6)
            taken.append(time.process_time() - began)
        step = statistics.median(taken[1:] or taken)
        if schedule.keep == "best":
            each = schedule.steps_per_epoch(self.counts["train"])
            step += self._forward(module) * self.counts["validation"] / each
        self.tell(Cost("train", str(network.architecture)), step)

    def scoring(self, network: Network) -> None:
        """Measure what each cell, and the probe, take beside training."""
        each = self._forward(copy_of(network))
        began = time.process_time()
        inspect(PrunedNetwork(network), 1.0, parameter_count(network), 0.0, self.plan.data.size)
        inspection = time.process_time() - began
        self.tell(CELL, inspection + each * (self.counts["validation"] + self.counts["test"]))
        self.tell(Cost("probe"), PROBE_S + each * (self.counts["train"] + self.counts["validation"]))

    def quantising(self, network: Network) -> None:
        """Tell what a twin's cell takes beside training."""
        scored = self.counts["validation"] + self.counts["test"]
        exported = EXPORT_S + EXPORT_EACH_S * sum(1 for _ in network.modules())
        self.tell(TWIN, exported + self._forward(copy_of(network)) * scored)

    def decoding(self) -> None:
        """Measure how long an image takes from its file, or from who draws it."""
        data = self.plan.data
        samples = data.samples()[:DECODED]
        began = time.process_time()
        found = sum(1 for _ in pictures(data.dataset(), samples, data.size, data.conversion))
        self.tell(Cost("decode"), (time.process_time() - began) / max(found, 1))

    def computing(self, counter: Counter, entry: Entry) -> None:
        """Measure what a method computes on the planned network, as far as that does not take long."""
        store = TimedStore(self.plan.network, self.counts["train"], self.tell)
        rows = torch.arange(self.counts["train"]) % DRAWN
        labels = (torch.arange(len(rows)) % 2).to(torch.uint8)
        counter.on_planned(entry, store, ImageSplit(Rows(self._images, rows), labels, (), "forecast"))

    def _forward(self, network: Network) -> float:
        """Return the seconds of scoring an image."""
        began = time.process_time()
        outputs_of(network.eval(), self._images, torch.device("cpu"))
        return (time.process_time() - began) / DRAWN

    def _some(self, count: int) -> torch.Tensor:
        return self._images[torch.arange(count) % DRAWN]


class TooLong(NotCounted):
    """A computation is given up."""


class TimedStore(DryStore):
    """A `DryStore` that does compute, on the planned network, and tells what that takes."""

    def __init__(self, name: str, images: int, tell: Tell) -> None:
        super().__init__(name, images, computes=True)
        self._tell = tell

    def _computation(self, key: str, inputs: Any, compute: Callable[[Any], Any]) -> Any:
        began = time.process_time()
        with at_most(LONGEST_S):
            value = super()._computation(key, inputs, compute)
        self._tell(Cost("compute", inputs["function"]), time.process_time() - began)
        return value


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise `TooLong` in the block once it has taken so long of the processor; for a process of its own."""

    def late(_number: int, _frame: FrameType | None) -> None:
        raise TooLong

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
