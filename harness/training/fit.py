"""Training as a pure function: data, start, mask, loss, schedule and seed in; the kept epoch's tensors out."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from harness.data.image_split import Images
from harness.losses.loss import Loss
from harness.networks.batch_norms import BATCH_NORMS
from harness.randomness import derived_seed, generator
from harness.sparsity.mask import Mask
from harness.training.augmentation import augment, normalise
from harness.training.epoch_order import epoch_order
from harness.training.inference import moves, resolve_device
from harness.training.optimisers import moments_of, optimiser_of, restore_moments, set_rate
from harness.training.schedule import Schedule


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


@dataclass(frozen=True, kw_only=True)
class TrainingTask:
    """What is learned: a module from uint8 images (N, 3, S, S) to outputs, by ``loss(outputs, targets)``.

    ``evaluate`` gives the validation figure that chooses the epoch where the schedule keeps the best; higher = better.
    """

    module: nn.Module
    images: Images
    targets: Tensor
    loss: Callable[[Tensor, Tensor], Tensor]
    evaluate: Callable[[nn.Module], float]
    mask: Mask | None = None

    def loss_at(self, progress: float) -> Callable[[Tensor, Tensor], Tensor]:
        """Return the loss of an epoch that ends when ``progress`` in (0, 1] of the schedule's epochs is over."""
        return self.loss.at(progress) if isinstance(self.loss, Loss) else self.loss


class Stepper:
    """One optimiser step at a time; pruned weights are +0.0 before the first and after every step."""

    def __init__(self, task: TrainingTask, schedule: Schedule, device: torch.device) -> None:
        self.task, self.schedule, self.device = task, schedule, device
        self.loss = task.loss
        self.module = task.module.to(device).to(memory_format=torch.channels_last)
        for layer in self.module.modules():
            if isinstance(layer, nn.Dropout):
                layer.p = schedule.dropout
            elif isinstance(layer, BATCH_NORMS) and layer.momentum is not None:  # None: a mean over all batches
                layer.momentum = schedule.norm_momentum
        self.parameters = list(self.module.parameters())
        self.optimiser = optimiser_of(self.module, schedule)
        self.masked, self.masks = self._float_masks()

    def _float_masks(self) -> tuple[list[nn.Parameter], list[Tensor]]:
        """Return masked parameters and masks in their type and layout: any other layout makes the product slow."""
        if self.task.mask is None:
            return [], []
        self.task.mask.apply_(self.module)
        named = dict(self.module.named_parameters())
        masked = [named[name] for name in self.task.mask]
        masks = [torch.empty_like(named[name]).copy_(self.task.mask[name]) for name in self.task.mask]
        return masked, [mask.detach() for mask in masks]

    def forward(self, images: Tensor) -> Tensor:
        """Return the module's outputs in the schedule's precision."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.schedule.precision == "bfloat16"):
            outputs: Tensor = self.module(images)
        return outputs.float()

    def step(self, images: Tensor, targets: Tensor, learning_rate: float) -> Tensor:
        """Take one step on normalised ``images`` and return its loss.

        Gradients are masked rather than weights: with weight decay 0 on a zero weight and zero momentum, a pruned
        weight then never moves, and clipping sees only the network that remains.
        """
        loss = self.loss(self.forward(images), targets)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.masks:
            pairs = [(p.grad, m) for p, m in zip(self.masked, self.masks, strict=True) if p.grad is not None]
            torch._foreach_mul_([gradient for gradient, _ in pairs], [mask for _, mask in pairs])
        if self.schedule.clip:
            nn.utils.clip_grad_norm_(self.parameters, self.schedule.clip, foreach=True)
        set_rate(self.optimiser, learning_rate)
        self.optimiser.step()
        return loss.detach()


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
    device = resolve_device(schedule.device)
    stepper = Stepper(task, schedule, device)
    images, targets = task.images.to(device), task.targets.to(device)
    total, whole = schedule.total_steps(len(images)), schedule.epoch_count(len(images))
    first, last = epochs or (0, whole)
    chooses = schedule.keep == "best" and last == whole
    start = first * schedule.steps_per_epoch(len(images))
    end = min(last * schedule.steps_per_epoch(len(images)), total)

    def stepped() -> None:
        saver.stepped(progress["steps"] - start, end - start)

    progress = saver.load() or {"history": [], "best": None, **_kept(stepper, first, start)}
    _restore(stepper, progress)
    if progress["epoch"] == first and _is_dead(stepper, images, seed):
        return _result(progress, "dead", start)
    while progress["epoch"] < last:
        mean_loss = _epoch(stepper, images, targets, progress, total, seed, stepped)
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


def _epoch(
    stepper: Stepper,
    images: Images,
    targets: Tensor,
    progress: dict[str, Any],
    total: int,
    seed: int,
    stepped: Callable[[], None],
) -> float:
    """Train one epoch and return its mean loss; every draw comes from (seed, purpose, epoch)."""
    schedule, epoch = stepper.schedule, progress["epoch"]
    stepper.loss = stepper.task.loss_at((epoch + 1) / schedule.epoch_count(len(images)))
    order = epoch_order(targets, schedule.sampler, generator(seed, "shuffle", epoch)).to(stepper.device)
    views = generator(seed, "augmentation", epoch)
    batches = min(schedule.steps_per_epoch(len(images)), total - progress["steps"])
    losses = []
    with torch.random.fork_rng():  # dropout has no generator argument
        torch.manual_seed(derived_seed(seed, "dropout", epoch))
        stepper.module.train()
        for chosen in torch.split(order, schedule.batch_size)[:batches]:
            batch = augment(images[chosen.to(images.device)].to(stepper.device), schedule.augmentation, views)
            rate = schedule.learning_rate_at(progress["steps"], total)
            losses.append(stepper.step(batch, targets[chosen], rate))
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


def _is_dead(stepper: Stepper, images: Images, seed: int) -> bool:
    """Return whether the outputs are the same for all images of a training batch, in training mode.

    Batch norm's running statistics and dropout are left as they were.
    """
    chosen = torch.randperm(len(images), generator=generator(seed, "shuffle", 0))[: stepper.schedule.batch_size]
    before = _state(stepper.module)
    stepper.module.train()
    for layer in stepper.module.modules():
        if isinstance(layer, nn.Dropout):
            layer.eval()
    with torch.no_grad():
        outputs = stepper.forward(normalise(images[chosen.to(images.device)].to(stepper.device)))
    stepper.module.load_state_dict(before)
    return not moves(outputs[:, -1] - outputs[:, 0])


def _state(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in module.state_dict().items()}


def _finite(module: nn.Module) -> bool:
    return all(bool(torch.isfinite(parameter).all()) for parameter in module.parameters())


def _result(progress: dict[str, Any], outcome: str, start: int) -> dict[str, Any]:
    names = ("state", "history", "kept_epoch", "kept_step")
    return {"outcome": outcome, **{name: progress[name] for name in names}, "steps": progress["steps"] - start}
