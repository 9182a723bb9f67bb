"""Training as a pure function: data, start, mask, loss, schedule and seed in; the kept epoch's tensors out."""

import math
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from harness.randomness import derived_seed, generator
from harness.training.augmentation import drawn_views, normalise
from harness.training.batches import Batches
from harness.training.epoch_order import epoch_order
from harness.training.inference import moves, resolve_device
from harness.training.optimisers import moments_of, restore_moments
from harness.training.recorded_steps import steps_of
from harness.training.schedule import Schedule
from harness.training.stepper import Stepper, TrainingTask
from harness.training.steps import Steps


class Saver(Protocol):
    """Where training saves its progress between epochs."""

    @property
    def due(self) -> bool:
        """Whether it is time to save."""
        ...

    def load(self) -> Any:
        """Return the last saved progress or None."""
        ...

    def save(self, order: int, value: Any) -> None:
        """Save ``value`` as the progress after epoch ``order``."""
        ...

    def stepped(self, done: int, of: int) -> None:
        """Hear that ``done`` steps of this training's ``of`` are taken."""
        ...


def fit(
    task: TrainingTask, schedule: Schedule, seed: int, saver: Saver, epochs: tuple[int, int] | None = None
) -> dict[str, Any]:
    """Train and return {"outcome", "state", "history", "kept_epoch", "kept_step", "steps"}.

    ``epochs`` (first, last): the schedule's epochs first to last - 1 alone, with their own rates and draws. From 0 this
    is bit for bit what the whole schedule passes through: a part that ends before the schedule keeps what it ends with.

    ``outcome`` is "trained"; "diverged" when a loss or weight is not finite; or "dead" when the scores do not move over
    a training batch, so that no step could help (nothing is trained). ``history`` has per epoch [mean training loss,
    validation figure or None]. ``kept_epoch`` and ``kept_step`` are how many of the schedule's epochs and steps the
    kept state has behind it, ``steps`` how many were taken. Same inputs, same bits, resumed or not.
    """
    stepper = Stepper(task, schedule, resolve_device(schedule.device))
    batches = Batches(task.images, task.targets, stepper.device)
    steps = steps_of(stepper)
    total, whole = schedule.total_steps(len(batches)), schedule.epoch_count(len(batches))
    first, last = epochs or (0, whole)
    chooses = schedule.keep == "best" and last == whole
    start = first * schedule.steps_per_epoch(len(batches))
    end = min(last * schedule.steps_per_epoch(len(batches)), total)

    def stepped() -> None:
        saver.stepped(progress["steps"] - start, end - start)

    progress = saver.load() or {"history": [], "best": None, **_kept(stepper, first, start)}
    _restore(stepper, progress)
    if progress["epoch"] == first and _is_dead(stepper, batches, seed):
        return _result(progress, "dead", start)
    while progress["epoch"] < last:
        mean_loss = _epoch(steps, batches, progress, seed, stepped)
        if not math.isfinite(mean_loss) or not _finite(stepper.module):
            return _result(progress, "diverged", start)
        figure = task.evaluate(stepper.module) if chooses else None
        progress["history"].append([mean_loss, figure])
        progress["epoch"] += 1
        at_end = progress["epoch"] == last
        settled = at_end or (chooses and progress["steps"] > schedule.warmup_steps(total))
        if settled and (figure is None or progress["best"] is None or figure > progress["best"]):
            progress |= {"best": figure, **_kept(stepper, progress["epoch"], progress["steps"])}
        if saver.due and not at_end:
            saver.save(progress["epoch"], {**progress, **_moving_parts(stepper)})
    return _result(progress, "trained", start)


def _epoch(steps: Steps, batches: Batches, progress: dict[str, Any], seed: int, stepped: Callable[[], None]) -> float:
    """Train one epoch and return its mean loss; every draw comes from (seed, purpose, epoch)."""
    stepper, epoch = steps.stepper, progress["epoch"]
    schedule, total = stepper.schedule, stepper.schedule.total_steps(len(batches))
    stepper.loss = stepper.task.loss_at((epoch + 1) / schedule.epoch_count(len(batches)))
    order = epoch_order(stepper.task.targets, schedule.sampler, generator(seed, "shuffle", epoch))
    draws = generator(seed, "augmentation", epoch)
    count = min(schedule.steps_per_epoch(len(batches)), total - progress["steps"])
    losses = []
    on_device = [stepper.device] if stepper.device.type == "cuda" else []
    with torch.random.fork_rng(on_device):  # dropout has no generator argument
        torch.manual_seed(derived_seed(seed, "dropout", epoch))
        stepper.module.train()
        for chosen in torch.split(order, schedule.batch_size)[:count]:
            batch = batches.of(chosen, drawn_views(len(chosen), schedule.augmentation, draws))
            losses.append(steps.take(batch, schedule.learning_rate_at(progress["steps"], total)))
            progress["steps"] += 1
            stepped()
    stepper.module.eval()
    return float(torch.stack(losses).mean())


def _kept(stepper: Stepper, epoch: int, step: int) -> dict[str, Any]:
    kept = {"state": _state(stepper.module), "kept_epoch": epoch, "kept_step": step}
    return {"epoch": epoch, "steps": step, **kept}


def _moving_parts(stepper: Stepper) -> dict[str, Any]:
    return {"current": _state(stepper.module), "moments": moments_of(stepper.optimiser, stepper.parameters)}


def _restore(stepper: Stepper, progress: dict[str, Any]) -> None:
    """Put saved weights and moments back where they were, bit for bit."""
    if "current" not in progress:
        return
    stepper.module.load_state_dict(progress.pop("current"))
    restore_moments(stepper.optimiser, stepper.parameters, progress.pop("moments"))


def _is_dead(stepper: Stepper, batches: Batches, seed: int) -> bool:
    """Return whether the outputs are the same for all images of a training batch, in training mode.

    Batch norm's running statistics and dropout are left as they were.
    """
    chosen = torch.randperm(len(batches), generator=generator(seed, "shuffle", 0))[: stepper.schedule.batch_size]
    before = _state(stepper.module)
    stepper.module.train()
    for layer in stepper.module.modules():
        if isinstance(layer, nn.Dropout):
            layer.eval()
    with torch.no_grad():
        outputs = stepper.forward(normalise(batches.of(chosen, ()).images))
    stepper.module.load_state_dict(before)
    return not moves(outputs[:, -1] - outputs[:, 0])


def _state(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in module.state_dict().items()}


def _finite(module: nn.Module) -> bool:
    """Return whether every weight is finite, which the host asks once, not of each parameter."""
    return bool(torch.stack([torch.isfinite(parameter).all() for parameter in module.parameters()]).all())


def _result(progress: dict[str, Any], outcome: str, start: int) -> dict[str, Any]:
    names = ("state", "history", "kept_epoch", "kept_step")
    return {"outcome": outcome, **{name: progress[name] for name in names}, "steps": progress["steps"] - start}
