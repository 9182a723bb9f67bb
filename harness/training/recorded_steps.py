"""A whole step recorded once and replayed: a small network's step is thousands of kernels, and launching them is slow.

What is replayed is what the step did: views, forward, loss, backward, mask, clipping and optimiser, with the same bits.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor

from harness.training.batches import Batch
from harness.training.graph_recorder import GraphRecorder
from harness.training.optimisers import moments_of, set_rate, start_moments
from harness.training.stepper import Stepper
from harness.training.steps import Steps

Work = Callable[[], Tensor]


class Recorder(Protocol):
    """Records what a function does on a device; the state of the device's random numbers is none of its business."""

    def rehearse(self, work: Work) -> bool:
        """Do ``work`` as often as it takes to be ready; return whether it can be recorded."""
        ...

    def record(self, work: Work) -> Work:
        """Return what does ``work`` again at every call, with what its tensors hold then; nothing is done yet."""
        ...


def steps_of(stepper: Stepper) -> Steps:
    """Return how the steps of ``stepper`` are taken: recorded on a CUDA device, kernel by kernel elsewhere."""
    if stepper.device.type == "cuda":
        return RecordedSteps(stepper, GraphRecorder(stepper.device))
    return Steps(stepper)


class RecordedSteps(Steps):
    """Replays one recorded step. Where a loss or a network waits for the host it takes them kernel by kernel.

    All batches of a training have one shape. A loss that changes is recorded anew.
    """

    def __init__(self, stepper: Stepper, recorder: Recorder) -> None:
        super().__init__(stepper)
        self._recorder = recorder
        self._known: object = None
        """The loss that was looked at last."""
        self._held: Batch | None = None
        self._replay: Work | None = None

    @property
    def recorded(self) -> bool:
        """Whether the last step was a replay."""
        return self._replay is not None

    def take(self, batch: Batch, learning_rate: float) -> Tensor:
        """Take one step and return its loss, a tensor of its own that nothing waits for."""
        if self._known != self.stepper.loss:
            self._look_at(batch)
        if self._held is None or self._replay is None:
            return super().take(batch, learning_rate)
        for held, given in zip(self._held.tensors, batch.tensors, strict=True):
            held.copy_(given)
        set_rate(self.stepper.optimiser, learning_rate)
        return self._replay().clone()

    def _look_at(self, batch: Batch) -> None:
        """Record a step, if that can be, whose inputs lie in the place of ``batch``; nothing is trained by it."""
        self._known, self._held, self._replay = self.stepper.loss, batch, None
        self.stepper.optimiser.zero_grad(set_to_none=True)

        def work() -> Tensor:
            return self.stepper.move(self.seen(batch), batch.targets)

        start_moments(self.stepper.optimiser)
        with _unmoved(self.stepper):
            can_be = self._recorder.rehearse(work)
        self.stepper.optimiser.zero_grad(set_to_none=True)
        if can_be:
            with _capturable(self.stepper.optimiser):
                self._replay = self._recorder.record(work)


@contextmanager
def _unmoved(stepper: Stepper) -> Iterator[None]:
    """Put weights, running statistics and moments back afterwards, each where it is."""
    moments = moments_of(stepper.optimiser, stepper.parameters)
    held = [*stepper.parameters, *stepper.module.buffers(), *(one for state in moments for one in state.values())]
    before = [tensor.detach().clone() for tensor in held]
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, kept in zip(held, before, strict=True):
                tensor.copy_(kept)


@contextmanager
def _capturable(optimiser: torch.optim.Optimizer) -> Iterator[None]:
    """Say what torch asks AdamW to be told before it is recorded: its fused step computes the same either way."""
    groups = [group for group in optimiser.param_groups if "capturable" in group]
    for group in groups:
        group["capturable"] = True
    try:
        yield
    finally:
        for group in groups:
            group["capturable"] = False
