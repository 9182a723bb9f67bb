"""What must be seen on a CUDA device: a recorded step gives the bits of the same step taken kernel by kernel.

    python tests/cuda/check_graph.py [--device cuda] [--only WORD] [--no-speed]

Trains each case three times from the same start: twice kernel by kernel, which must repeat itself, and once recorded.
Prints one JSON object a line: whether the bits are equal, or the largest difference; at the end the milliseconds of a
step either way. Exits with 1 where a case differs, or was not recorded and should have been. ``--device cpu`` tries the
script where there is no such device, and replays by doing all again.
"""

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

os.environ |= {"CUBLAS_WORKSPACE_CONFIG": ":4096:8", "OMP_NUM_THREADS": "1"}

import torch
import torch.nn.functional as F
from torch import Tensor

from harness.data import image_split
from harness.data.image_split import Rows
from harness.losses.registered import schedule_named
from harness.networks.architecture import Architecture, Network
from harness.networks.factories import build, copy_of, initialise
from harness.randomness import generator
from harness.running.worker import fix_kernels
from harness.sparsity.mask import Mask, prunable_weights
from harness.sparsity.ranking import prune_least
from harness.training import fit as fitting
from harness.training.augmentation import drawn_views
from harness.training.batches import Batches
from harness.training.recorded_steps import RecordedSteps, Recorder, steps_of
from harness.training.schedule import Schedule
from harness.training.stepper import Stepper, TrainingTask
from harness.training.steps import Steps

SIZE, BATCH, STEPS = 64, 16, 6


@dataclass(frozen=True)
class Case:
    """One training: what it is called, and how it differs from the usual one."""

    name: str
    network: str = "small-cnn"
    loss: str = "black"
    schedule: dict[str, Any] = field(default_factory=dict)
    mask: bool = True
    stops: bool = False
    """Is stopped after an epoch and resumed."""
    from_host: bool = False
    """Its images do not lie on the device."""
    recorded: bool = True


NETWORKS = ("small-cnn", "alexnet-bn", "efficientnet-lite0")
LOSSES = ("plain", "weights-only", "blue-pointwise", "focal", "ldam", "ldam-drw", "logit-adjusted", "class-balanced")
CASES = [
    *(
        Case(f"{network}, {optimiser}, {precision}", network, schedule={"optimiser": optimiser, "precision": precision})
        for network in NETWORKS
        for optimiser in ("sgd", "adamw")
        for precision in ("float32", "bfloat16")
    ),
    *(Case(f"loss {loss}", loss=loss) for loss in LOSSES),
    *(Case(f"augmentation {kind}", schedule={"augmentation": kind}) for kind in ("none", "flips", "paper")),
    *(Case(f"tf32, {network}", network, schedule={"precision": "tf32"}) for network in NETWORKS),
    *(
        Case(f"resumed, {optimiser}", stops=True, schedule={"optimiser": optimiser, "precision": "bfloat16"})
        for optimiser in ("sgd", "adamw")
    ),
    Case("resumed, a loss that changes", loss="ldam-drw", stops=True),
    Case("no mask, no clipping, no momentum", mask=False, schedule={"clip": 0.0, "momentum": 0.0}),
    Case("images on the host", from_host=True),
    Case("a loss of no class", loss="closure"),
    Case("a loss that waits for the host", loss="waits", recorded=False),
]


def closure(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return what pretraining lowers, in short."""
    return F.binary_cross_entropy_with_logits(outputs[:, -1], targets.float()) + F.mse_loss(outputs[:, 0], targets / 2)


def waits(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return a loss that asks the host how many positives there are."""
    return F.cross_entropy(outputs, targets.long()) * (1 + int(targets.sum()))


class Again:
    """Stands for a recorder where there is no device that has one: does all again."""

    def rehearse(self, work: Callable[[], Tensor]) -> bool:
        """Do it once."""
        with torch.random.fork_rng([]):
            work()
        return True

    def record(self, work: Callable[[], Tensor]) -> Callable[[], Tensor]:
        """Return it."""
        return work


class Saver:
    """Keeps what is saved of a training, and ends it after the first epoch where it is to be stopped."""

    def __init__(self, *, stops: bool) -> None:
        self.due = self.stops = stops
        self.kept: Any = None

    def load(self) -> Any:
        """Return what was kept, once over the disk."""
        return self.kept

    def save(self, order: int, value: Any) -> None:
        """Keep it; the first time the training ends here."""
        self.kept = {**value, "history": list(value["history"]), "moments": on_host(value["moments"])}
        if self.stops:
            self.stops = False
            raise KeyboardInterrupt

    def stepped(self, done: int, of: int) -> None:
        """Do nothing."""


def on_host(moments: list[dict[str, Tensor]]) -> list[dict[str, Tensor]]:
    """Return moments as a file gives them back."""
    return [{name: value.cpu() for name, value in state.items()} for state in moments]


def started(name: str) -> Network:
    """Return a network, drawn."""
    network = build(Architecture(name))
    initialise(network, generator(0, "check"))
    return network


def images_of(count: int, size: int) -> tuple[Rows, Tensor]:
    """Return random images and labels, a quarter of them positive; the first batch of all has none."""
    pixels = torch.randint(256, (count, 3, size, size), generator=generator(0, "images")).to(torch.uint8)
    return Rows(pixels, torch.arange(count).flip(0)), (torch.arange(count) % 4 == 0).to(torch.uint8)


def task_of(case: Case, start: Network) -> TrainingTask:
    """Return what is learned, from a copy of the start."""
    images, labels = images_of(BATCH * STEPS, SIZE)
    own: dict[str, Any] = {"closure": closure, "waits": waits}
    loss = own.get(case.loss) or schedule_named(case.loss).resolve(1, int(labels.sum()), int((labels == 0).sum()))
    scores = {name: weight.abs() for name, weight in prunable_weights(start).items()}
    mask = prune_least(scores, Mask.ones(start), 0.5) if case.mask else None
    return TrainingTask(
        module=copy_of(start), images=images, targets=labels, loss=loss, evaluate=lambda _: 0.0, mask=mask
    )


def trained(case: Case, start: Network, device: str, recorder: Recorder | None) -> tuple[dict[str, Any], bool]:
    """Return what the case trains, and whether its last step was a replay."""
    seen: list[Steps] = []

    def chosen(stepper: Stepper) -> Steps:
        seen.append(Steps(stepper) if recorder is None else made(stepper, recorder))
        return seen[-1]

    usual: dict[str, Any] = {"dropout": 0.3, "clip": 1.0, "weight_decay": 0.01, "warmup": 0.2, "decay": "cosine"}
    usual |= {"epochs": 4, "batch_size": BATCH, "precision": "float32", "device": device, "learning_rate": 0.02}
    schedule = Schedule(**{**usual, **case.schedule})
    saver = Saver(stops=case.stops)
    fitting.steps_of = chosen  # type: ignore[attr-defined]
    image_split._RESIDENT_SHARE = 0.0 if case.from_host else 0.25
    with contextlib.suppress(KeyboardInterrupt):
        return fitting.fit(task_of(case, start), schedule, 3, saver), recorded(seen[-1])
    return fitting.fit(task_of(case, start), schedule, 3, saver), recorded(seen[-1])


def made(stepper: Stepper, recorder: Recorder) -> Steps:
    """Return the steps as the harness chooses them; on a CPU those that stand for them."""
    return RecordedSteps(stepper, recorder) if stepper.device.type == "cpu" else steps_of(stepper)


def recorded(steps: Steps) -> bool:
    """Return whether the last step was a replay."""
    return isinstance(steps, RecordedSteps) and steps.recorded


def largest(left: dict[str, Any], right: dict[str, Any]) -> float:
    """Return the largest difference between two trainings' tensors and mean losses; infinite where one diverged."""
    if left["outcome"] != right["outcome"]:
        return float("inf")
    gaps = [
        float((value.double() - right["state"][name].double()).abs().max()) for name, value in left["state"].items()
    ]
    losses = zip(left["history"], right["history"], strict=True)
    return max([*gaps, *(abs(one[0] - other[0]) for one, other in losses)])


def checked(case: Case, device: str) -> bool:
    """Tell how a case goes; return whether it is as it must be."""
    start = started(case.network)
    began = time.perf_counter()
    first, _ = trained(case, start, device, None)
    again, _ = trained(replace(case, stops=False), start, device, None)
    replayed, was_recorded = trained(case, start, device, Again())
    found = {"repeats_itself": largest(first, again) == 0, "equal": largest(first, replayed) == 0}
    well = all(found.values()) and was_recorded == (case.recorded or device == "cpu")  # where nobody sees who waits
    tell(
        case=case.name,
        **found,
        recorded=was_recorded,
        largest=largest(first, replayed),
        outcome=first["outcome"],
        loss=[round(mean, 6) for mean, _ in replayed["history"]],
        seconds=round(time.perf_counter() - began, 2),
        well=well,
    )
    return well


def losses_agree(device: str) -> bool:
    """Tell how far each loss's value and gradient on the device are from a CPU's; a loss has other sums there."""
    logits = torch.randn(64, 2, generator=generator(0, "logits"))
    worst = 0.0
    for labels in ((torch.arange(64) % 5 == 0), torch.zeros(64), torch.ones(64)):
        for name in (*LOSSES, "black"):
            loss = schedule_named(name).resolve(1, 13, 51)
            pair = []
            for place in ("cpu", device):
                leaf = logits.clone().to(place).requires_grad_()
                value = loss(leaf, labels.to(torch.uint8).to(place))
                value.backward()  # type: ignore[no-untyped-call]
                assert leaf.grad is not None
                pair.append((value.detach().cpu(), leaf.grad.cpu()))
            worst = max(worst, *(float((one - other).abs().max()) for one, other in zip(*pair, strict=True)))
    tell(case="losses on the device and on a CPU", largest=worst, well=worst < 1e-4)
    return worst < 1e-4


def speeds(device: str, count: int) -> Iterator[dict[str, Any]]:
    """Yield the milliseconds of a step, kernel by kernel and recorded, with its draws and its batch's way there."""
    for network in NETWORKS:
        for size, precision in ((64, "bfloat16"), (64, "tf32"), (64, "float32"), (128, "bfloat16")):
            found: dict[str, Any] = {"speed": network, "size": size, "precision": precision, "batch": 32}
            for name, chosen in (("kernel_by_kernel_ms", Steps), ("recorded_ms", steps_of)):
                schedule = Schedule(precision=precision, device=device, clip=2.0)  # type: ignore[arg-type]
                images, labels = images_of(256, size)
                loss = schedule_named("black").resolve(1, 64, 192)
                task = TrainingTask(
                    module=started(network), images=images, targets=labels, loss=loss, evaluate=lambda _: 0.0
                )
                stepper = Stepper(task, schedule, torch.device(device))
                found[name] = round(1000 * step_seconds(chosen(stepper), count), 3)
            yield found


def step_seconds(steps: Steps, count: int) -> float:
    """Return the seconds of a step, the mean of ``count`` after some for warming up."""
    stepper = steps.stepper
    batches = Batches(stepper.task.images, stepper.task.targets, stepper.device)
    draws, began = generator(0, "draws"), 0.0
    stepper.module.train()
    for step in range(-8, count):
        if step == 0:
            settle(stepper.device)
            began = time.perf_counter()
        chosen = (torch.arange(32) * 7 + step) % len(batches)
        steps.take(batches.of(chosen, drawn_views(32, stepper.schedule.augmentation, draws)), 0.001)
    settle(stepper.device)
    return (time.perf_counter() - began) / count


def settle(device: torch.device) -> None:
    """Wait until all is done that a device was asked for."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def tell(**values: Any) -> None:
    """Print one line."""
    print(json.dumps(values), flush=True)


def main() -> int:
    """Try every case, and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--no-speed", action="store_true")
    given = parser.parse_args()
    fix_kernels()
    began = time.perf_counter()
    well = [losses_agree(given.device)]
    for case in CASES:
        if given.only in case.name:
            try:
                well.append(checked(case, given.device))
            except Exception as error:
                tell(case=case.name, error=f"{type(error).__name__}: {error}"[:1500], well=False)
                well.append(False)
    if not given.no_speed:
        for one in speeds(given.device, 60 if given.device == "cuda" else 2):
            tell(**one)
    tell(cases=len(well), well=sum(well), seconds=round(time.perf_counter() - began, 1), torch=torch.__version__)
    return 0 if all(well) else 1


if __name__ == "__main__":
    sys.exit(main())
