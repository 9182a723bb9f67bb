"""Steps a second as the harness trains, by network, image size and precision; what a step could take, and its floor.

A step's floating-point operations are counted and held against a large matrix product in the same precision. Its launch
floor is the number of its kernels, as the profiler sees them, times what it takes to launch an empty one: the least
that a step can take kernel by kernel. A recorded step is launched at once and has no such floor.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from typing import Any, NamedTuple, get_args
from unittest import mock

import torch

from harness.data.image_split import Rows
from harness.losses.registered import schedule_named
from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise
from harness.networks.registered import built_in
from harness.randomness import generator
from harness.running.inspection import effective_flops
from harness.running.worker import fix_kernels
from harness.training import fit as fitting
from harness.training.schedule import Precision, Schedule
from harness.training.stepper import TrainingTask
from harness.training.steps import Steps

BATCH, IMAGES, DRAWN = 32, 896, 64
WARM, LEAST, SECONDS = 12, 20, 0.7
PEAK_SIZE = {"cuda": 8192, "cpu": 1024}
FEW = ("alexnet-bn", "efficientnet-lite0", "resnet18")
"""The networks that are also tried in other precisions and with any kernels."""

Line = dict[str, Any]


class Case(NamedTuple):
    """What is timed. ``recorded``: a step replayed as one graph where there is a choice, else kernel by kernel."""

    network: str
    size: int
    precision: str
    recorded: bool = True
    deterministic: bool = True


def cases(*, small: bool) -> list[Case]:
    """Return what is timed, what says most first."""
    if small:
        return [Case("small-cnn", 64, "float32"), Case("small-cnn", 64, "float32", deterministic=False)]
    sizes, rest = (64, 128, 224), [name for name in built_in() if name not in FEW]
    own = [Case(*one) for one in product(FEW, sizes, ["bfloat16"], [True, False])]
    others = [Case(*one) for one in product(FEW, sizes, ["float32", "tf32"])]
    free = [Case(name, size, "bfloat16", deterministic=False) for name, size in product(FEW, sizes)]
    free += [Case(name, size, "tf32", deterministic=False) for name, size in product(FEW, (64, 128))]
    eager = [Case(name, size, "float32", recorded=False) for name, size in product(FEW, (64, 128))]
    seldom = [Case(*one) for one in product(rest, sizes, ["bfloat16"], [True, False])]
    return [*own, *free, *others, *eager, *seldom]


def lines(device: str, *, small: bool, until: float) -> Iterator[Line]:
    """Yield a line a case until the time is over."""
    fix_kernels()
    on = torch.device(device)
    precisions = ("float32",) if small else get_args(Precision)
    yield {"peak_tflops": {one: round(peak(one, on) / 1e12, 2) for one in precisions if one != "auto"}}
    if device == "cuda":
        yield {"empty_launch_us": round(1e6 * empty_launch(), 3)}
    for case in cases(small=small):
        if time.monotonic() > until:
            yield {"left_out": "the time was over", "first_of_them": case._asdict()}
            return
        try:
            yield {**case._asdict(), **timed(case, on)}
        except Exception as error:  # as for want of memory: the others can still be
            yield {**case._asdict(), "error": f"{type(error).__name__}: {error}"[:600]}
        if device == "cuda":
            torch.cuda.empty_cache()


def timed(case: Case, on: torch.device) -> Line:
    """Return what one case takes."""
    taken = Taken(on)
    with any_kernels() if not case.deterministic else contextlib.nullcontext(), kernel_by_kernel(case):
        train(case, on, taken)
    flops = flops_of(case.network, case.size)
    found: Line = {
        "steps_a_second": round(taken.steps / taken.seconds, 2),
        "step_ms": round(1e3 * taken.seconds / taken.steps, 3),
        "step_gflop": round(flops / 1e9, 2),
        "share_of_peak": round(flops * taken.steps / taken.seconds / peak(case.precision, on), 4),
        "was_recorded": taken.recorded(),
    }
    if taken.memory is not None:
        found["peak_memory_mb"] = round(taken.memory / 2**20)
    if on.type == "cuda" and case.size == 64 and not case.recorded:
        kernels = kernels_of(case, on)
        found |= {"kernels": kernels, "launch_floor_ms": round(1e3 * kernels * empty_launch(), 3)}
    return found


class Enough(Exception):  # noqa: N818
    """A training has been seen for long enough."""


class Taken:
    """What `fit` saves nothing in: it times the steps after the first ones, then gives the training up."""

    due = False

    def __init__(self, on: torch.device) -> None:
        self._on = on
        self.steps, self.seconds, self.memory = 0, 0.0, None
        self.takers: list[Any] = []
        self._began = 0.0

    def load(self) -> None:
        """Begin anew."""

    def save(self, order: int, value: Any) -> None:
        """Save nothing."""

    def stepped(self, done: int, _of: int) -> None:
        """Look at the clock, which waits for the device, at the first and the last timed step alone."""
        if done == WARM:
            settle(self._on)
            self._began = time.perf_counter()
        elif done >= WARM + LEAST and time.perf_counter() - self._began > SECONDS:
            settle(self._on)
            self.steps, self.seconds = done - WARM, time.perf_counter() - self._began
            if self._on.type == "cuda":
                self.memory = torch.cuda.max_memory_reserved()
                torch.cuda.reset_peak_memory_stats()
            raise Enough

    def recorded(self) -> bool:
        """Return whether the steps were replays of a recorded one."""
        return any(getattr(one, "recorded", False) for one in self.takers)


def settle(on: torch.device) -> None:
    """Wait for the device."""
    if on.type == "cuda":
        torch.cuda.synchronize()


def train(case: Case, on: torch.device, saver: Taken) -> None:
    """Train as a run does, on drawn images, until ``saver`` has seen enough."""
    module = build(Architecture(case.network))
    initialise(module, generator(0, "bench"))
    drawn = torch.randint(256, (DRAWN, 3, case.size, case.size), generator=generator(1, "bench")).to(torch.uint8)
    labels = (torch.arange(IMAGES) % 4 == 0).to(torch.uint8)
    task = TrainingTask(
        module=module,
        images=Rows(drawn, torch.arange(IMAGES) % DRAWN),
        targets=labels,
        loss=schedule_named("plain").resolve(0, 3 * IMAGES // 4, IMAGES // 4),
        evaluate=lambda _: 0.0,
    )
    schedule = Schedule(
        epochs=10**6,
        batch_size=BATCH,
        optimiser="adamw",
        learning_rate=1e-6,
        clip=2.0,
        dropout=0.2,
        device=on.type,
        precision=case.precision,
        augmentation="flips-affine",
    )  # fmt: skip - as the presets train, but for the rate
    with watched(saver), contextlib.suppress(Enough):
        fitting.fit(task, schedule, 0, saver)
        raise RuntimeError("no step could be taken: the outputs of its start are all alike")


@contextlib.contextmanager
def watched(saver: Taken) -> Iterator[None]:
    """Let ``saver`` see how the steps are taken, where that is chosen."""
    chosen = fitting.steps_of

    def noted(stepper: Any) -> Any:
        saver.takers.append(chosen(stepper))
        return saver.takers[-1]

    with mock.patch.object(fitting, "steps_of", noted):
        yield


@contextlib.contextmanager
def kernel_by_kernel(case: Case) -> Iterator[None]:
    """Take steps as they are written, unless they are to be recorded or there is no choice."""
    if case.recorded:
        yield
    else:
        with mock.patch.object(fitting, "steps_of", Steps):
            yield


@contextlib.contextmanager
def any_kernels() -> Iterator[None]:
    """Let cuDNN take kernels that add up in any order."""
    torch.backends.cudnn.deterministic = False
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic = True


@cache
def flops_of(network: str, size: int) -> float:
    """Return the floating-point operations of a training step: the backward pass is two forward passes.

    Not by `torch.utils.flop_counter`, which counts a convolution by groups as a whole one.
    """
    return 3.0 * BATCH * effective_flops(build(Architecture(network)), None, size)


@cache
def peak(precision: str, on: torch.device) -> float:
    """Return the floating-point operations a second of a large matrix product in a precision."""
    size = PEAK_SIZE[on.type]
    kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
    left, right = (torch.rand(size, size, device=on, dtype=kind) for _ in range(2))
    allowed = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    try:
        return 2 * size**3 / seconds_of(lambda: left @ right, on)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = allowed


@cache
def empty_launch() -> float:
    """Return the seconds of launching a kernel that does nothing."""
    return seconds_of(lambda: torch.cuda._sleep(0), torch.device("cuda"), times=5000)


def seconds_of(work: Callable[[], Any], on: torch.device, times: int = 12) -> float:
    """Return the seconds of one call, the mean of many after some for warming up."""
    for _ in range(4):
        work()
    settle(on)
    began = time.perf_counter()
    for _ in range(times):
        work()
    settle(on)
    return (time.perf_counter() - began) / times


class Profiled(Taken):
    """Counts the kernels of some steps."""

    STEPS = 4

    def __init__(self, on: torch.device) -> None:
        super().__init__(on)
        self.profile = torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA])

    def stepped(self, done: int, _of: int) -> None:
        """Begin after the first steps, give up after some."""
        if done == WARM:
            settle(self._on)
            self.profile.start()
        elif done == WARM + self.STEPS:
            settle(self._on)
            self.profile.stop()
            raise Enough


def kernels_of(case: Case, on: torch.device) -> int:
    """Return the number of kernels that a step launches, copies among them, on average."""
    seen = Profiled(on)
    with kernel_by_kernel(case._replace(recorded=False)):
        train(case, on, seen)
    events = [one for one in seen.profile.events() if one.device_type == torch.autograd.DeviceType.CUDA]
    return round(len(events) / Profiled.STEPS)
