"""A process that trains the planned network for as long as it is told, to be timed beside others of its kind."""

import os
import time
from dataclasses import replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import torch

from harness import cuda
from harness.children import Child, fork
from harness.data.image_split import Rows
from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build, copy_of, initialise
from harness.planning.plan import Plan
from harness.randomness import generator
from harness.running.worker import WORKER_VARIABLES, fix_kernels
from harness.training.fit import fit
from harness.training.inference import EVALUATION_BATCH, outputs_of
from harness.training.schedule import Schedule
from harness.training.stepper import TrainingTask

_WARM = 12
"""Steps before the first that is timed: kernels are chosen and graphs captured by then."""

_DRAWN = 64
_DRAWS = 5
"""Of start weights, until the network's outputs differ from image to image: a training of others takes no step."""

_READY_S, _LATE_S = 180.0, 60.0
"""That a process may take to begin, and beyond the time that it was told."""


class Stepped(NamedTuple):
    """So many steps were taken in so many seconds, until the device had done them."""

    steps: int
    seconds: float


class SteppingProcess:
    """A fork of this process, which has no thread and has not used CUDA; it trains on ``images`` drawn images.

    Each call raises EOFError where the process has ended, as for want of memory, or does not answer.
    """

    def __init__(self, plan: Plan, images: int, device: str | None) -> None:
        self._line, theirs = Pipe()
        self._child: Child = fork(lambda: _live(plan, images, device, theirs))
        theirs.close()

    def ready(self) -> int | None:
        """Wait until it has taken its first steps; return the bytes of the device that are free then, on CUDA."""
        free: int | None = self._heard(_READY_S)
        return free

    def begin(self, seconds: float) -> None:
        """Let it step for so long."""
        self._told = seconds
        try:
            self._line.send(seconds)
        except OSError as error:
            raise EOFError from error

    def stepped(self) -> Stepped:
        """Return what it did of what it was last told."""
        return Stepped(*self._heard(self._told + _LATE_S))

    def end(self) -> None:
        """End it."""
        self._line.close()
        self._child.end()

    def _heard(self, seconds: float) -> Any:
        try:
            if self._line.poll(seconds):
                return self._line.recv()
        except OSError as error:
            raise EOFError from error
        raise EOFError


def _live(plan: Plan, images: int, device: str | None, line: Connection) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):  # a network of another distribution may read or write
        os.dup2(null, number)
    os.environ.update(WORKER_VARIABLES)
    if device is not None:
        os.environ[cuda.VISIBLE] = device
    fix_kernels()
    on = torch.device(plan.training.device)
    some = torch.randint(256, (_DRAWN, 3, plan.data.size, plan.data.size), generator=generator(0, "stepping"))
    rows = Rows(some.to(torch.uint8), torch.arange(images) % _DRAWN)
    for draw in range(_DRAWS):
        network = _drawn(plan.network, draw)
        outputs_of(copy_of(network).eval(), rows[slice(EVALUATION_BATCH)], on)  # which takes more memory than a step
        fit(_task(plan, network, rows), _endless(plan.training), 0, _Told(line, on))


def _drawn(name: str, draw: int) -> Network:
    network = build(Architecture(name))
    initialise(network, generator(draw, "stepping"))
    return network


def _task(plan: Plan, network: Network, images: Rows) -> TrainingTask:
    labels = (torch.arange(len(images)) % 2).to(torch.uint8)
    loss = plan.entries[0].loss.resolve(0, 1, 1)
    return TrainingTask(module=network, images=images, targets=labels, loss=loss, evaluate=lambda _: 0.0)


def _endless(schedule: Schedule) -> Schedule:
    """Return a schedule of the same steps, without an end, by which no weight moves far."""
    return replace(schedule, epochs=10**6, max_steps=0, learning_rate=1e-6, warmup=0.0, decay="constant")


class _Told:
    """What `fit` saves nothing in: it steps for as long as the other end of ``line`` says, then waits."""

    due = False

    def __init__(self, line: Connection, device: torch.device) -> None:
        self._line, self._device = line, device
        self._first, self._began, self._until = 0, 0.0, 0.0

    def load(self) -> None:
        """Return no progress: it begins anew."""

    def save(self, order: int, value: Any) -> None:
        """Save nothing."""

    def stepped(self, done: int, _of: int) -> None:
        """Count the steps of a time, and wait for the next when it is over."""
        if done < _WARM or time.monotonic() < self._until:
            return
        on_cuda = self._device.type == "cuda"
        if on_cuda:
            torch.cuda.synchronize()
        if self._until:
            self._line.send((done - self._first, time.monotonic() - self._began))
        else:
            self._line.send(torch.cuda.mem_get_info()[0] if on_cuda else None)
        seconds = self._line.recv()
        self._first, self._began = done, time.monotonic()
        self._until = self._began + seconds
