"""One optimiser step at a time: what is learned, and who moves the weights."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from harness.data.image_split import Images
from harness.losses.loss import Loss
from harness.networks.batch_norms import BATCH_NORMS
from harness.sparsity.mask import Mask
from harness.training.optimisers import optimiser_of, set_rate
from harness.training.precision import products_of
from harness.training.schedule import Schedule


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
        in_bfloat16 = self.schedule.precision == "bfloat16"
        # Weights in bfloat16 that are kept for the next layer that has them would outlive a recorded step.
        keeps = self.device.type != "cuda"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=in_bfloat16, cache_enabled=keeps):
            outputs: Tensor = self.module(images)
        return outputs.float()

    def step(self, images: Tensor, targets: Tensor, learning_rate: float) -> Tensor:
        """Take one step on normalised ``images`` and return its loss."""
        set_rate(self.optimiser, learning_rate)
        return self.move(images, targets)

    def move(self, images: Tensor, targets: Tensor) -> Tensor:
        """Take one step at the learning rate that is set, and return its loss; on a CUDA device nothing waits for it.

        Gradients are masked rather than weights: with weight decay 0 on a zero weight and zero momentum, a pruned
        weight then never moves, and clipping sees only the network that remains.
        """
        with products_of(self.schedule, self.device):
            loss = self.loss(self.forward(images), targets)
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
        if self.masks:
            pairs = [(p.grad, m) for p, m in zip(self.masked, self.masks, strict=True) if p.grad is not None]
            torch._foreach_mul_([gradient for gradient, _ in pairs], [mask for _, mask in pairs])
        if self.schedule.clip:
            nn.utils.clip_grad_norm_(self.parameters, self.schedule.clip, foreach=True)
        self.optimiser.step()
        return loss.detach()
