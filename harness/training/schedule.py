"""How a network is trained: everything about a training stage but its data, its loss and its start."""

import math
from dataclasses import field, replace
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import ConfigDict, Field, StrictFloat, StrictInt
from pydantic.dataclasses import dataclass

from harness.key_fields import YOUNGER

Precision = Literal["auto", "float32", "bfloat16", "tf32"]
Device = Literal["auto", "cpu", "cuda"]
Sampler = Literal["shuffled", "balanced"]
Optimiser = Literal["sgd", "adamw"]
OPTIMISERS: tuple[Optimiser, ...] = get_args(Optimiser)

A_METHODS_OWN = ("epochs", "max_steps", "learning_rate", "warmup", "decay")
"""What a method may change of the plan's schedule: how long and at which rates it trains, nothing else."""

_TAIL = 0.1
"""The part of a falling schedule whose mean rate is its last one: its very last step has none to speak of."""


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Schedule:
    """How a network is trained: the optimiser, for how long, at which rates, on what it sees of its images."""

    key_name: ClassVar[str] = ""
    epochs: Annotated[StrictInt, Field(ge=1)] = 100
    """Passes over the training split in one training."""
    max_steps: Annotated[StrictInt, Field(ge=0)] = 0
    """Most optimiser steps in a training; 0 means no limit."""
    batch_size: Annotated[StrictInt, Field(ge=2)] = 32
    """Images in a step; the last, incomplete batch of an epoch is left out."""
    optimiser: Optimiser = field(default="sgd", metadata=YOUNGER)
    """Stochastic gradient descent with momentum, or AdamW with its usual moments (0.9, 0.999)."""
    sampler: Sampler = field(default="shuffled", metadata=YOUNGER)
    """Each training image once an epoch, or as many draws with both classes equally likely (losses.md). Pretraining is
    always shuffled.
    """
    learning_rate: Annotated[StrictFloat, Field(gt=0, allow_inf_nan=False)] = 0.01
    """The highest learning rate of the schedule."""
    momentum: Annotated[StrictFloat, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.9
    """Momentum of SGD."""
    weight_decay: Annotated[StrictFloat, Field(ge=0, allow_inf_nan=False)] = 0.0
    """Weight decay: of SGD on all parameters; of AdamW, decoupled, on all but biases and norms."""
    warmup: Annotated[StrictFloat, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.0
    """Fraction of all steps over which the learning rate rises linearly."""
    decay: Literal["constant", "cosine"] = "constant"
    """How the learning rate goes on after the warm-up; `cosine` falls to 0."""
    clip: Annotated[StrictFloat, Field(ge=0, allow_inf_nan=False)] = 0.0
    """Largest norm of the gradient; 0 means off."""
    dropout: Annotated[StrictFloat, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.0
    """Probability in the network's dropout layers."""
    norm_momentum: Annotated[StrictFloat, Field(gt=0, le=1, allow_inf_nan=False)] = field(default=0.1, metadata=YOUNGER)
    """Each batch's share of the running statistics of batch norms, in the place of the network's own: some have 0.01,
    which suits hundreds of thousands of steps. After a few hundred, the statistics of a pruned network would still be
    those of W0, and its scores constant.
    """
    augmentation: Literal["none", "flips", "flips-affine", "paper"] = "flips-affine"
    """Augmentation, of training images only. `flips-affine` also rotates up to 90 degrees, shears up to 20 degrees and
    scales by 0.8 to 1.2. `paper` also crops, warps and changes colours: paper.md.
    """
    precision: Precision = "auto"
    """`auto`: bfloat16 where the device multiplies in it, else float32. `tf32`: float32 whose products and convolutions
    are TF32 while training, on CUDA alone. The scores that are reported are always float32.
    """
    device: Device = "auto"
    """`auto`: CUDA where there is one. Tried on one NVIDIA H200: performance.md."""
    keep: Literal["last", "best"] = "last"
    """Which network counts as trained: what the training ends with, or that of the epoch with the best validation AUC,
    the first of equals. `best` takes no epoch that ends within the warm-up; with few validation positives it is a
    choice among noise. `kept/step` in every result says which it was.
    """

    def steps_per_epoch(self, images: int) -> int:
        """Return the number of full batches in ``images``; at least one, of all images, where they are fewer."""
        return max(images // self.batch_size, 1)

    def total_steps(self, images: int) -> int:
        """Return the number of optimiser steps over ``images`` training images."""
        steps = self.epochs * self.steps_per_epoch(images)
        return min(steps, self.max_steps) if self.max_steps else steps

    def epoch_count(self, images: int) -> int:
        """Return the number of epochs over ``images`` training images; ``max_steps`` may cut the last one short."""
        return math.ceil(self.total_steps(images) / self.steps_per_epoch(images))

    def span(self, epochs: tuple[int, int | None] | None, images: int) -> tuple[int, int] | None:
        """Return ``epochs`` (first, last; None = the end), None where they are all. Raises ValueError for others."""
        whole = self.epoch_count(images)
        first, last = epochs or (0, None)
        last = whole if last is None else last
        if not 0 <= first < last <= whole:
            raise ValueError(f"epochs ({first}, {last}) are not within the {whole} of the schedule")
        return None if (first, last) == (0, whole) else (first, last)

    def of_a_method(self, plan: "Schedule", images: int) -> "Schedule":
        """Return this schedule as keys know it: by its steps over ``images``, however it was written.

        Raises ValueError where it differs from the ``plan``'s in more than `A_METHODS_OWN`.
        """
        if self != replace(plan, **{name: getattr(self, name) for name in A_METHODS_OWN}):
            raise ValueError(f"a method's schedule may differ from the plan's in {', '.join(A_METHODS_OWN)} alone")
        return self.for_steps(self.total_steps(images))

    def warmup_steps(self, total: int) -> int:
        """Return how many of ``total`` steps the learning rate rises for."""
        return round(self.warmup * total)

    def for_steps(self, steps: int) -> "Schedule":
        """Return this schedule stretched or shortened to exactly ``steps`` >= 1 steps."""
        return replace(self, epochs=steps, max_steps=steps)

    @property
    def last_rate(self) -> float:
        """The learning rate that it ends with: of a fall to 0, the mean over the last tenth, .0082 of the highest."""
        if self.decay == "constant":
            return self.learning_rate
        return self.learning_rate * 0.5 * (1 - math.sin(math.pi * (1 - _TAIL)) / (math.pi * _TAIL))

    def finetuning(self) -> "Schedule":
        """Return as many steps at the `last_rate`: fine-tuning as in Renda, Frankle & Carbin 2020, Sec. 2."""
        return replace(self, learning_rate=self.last_rate, warmup=0.0, decay="constant")

    def learning_rate_at(self, step: int, total: int) -> float:
        """Return the learning rate of ``step`` (from 0) of ``total``."""
        warm = self.warmup_steps(total)
        if step < warm:
            return self.learning_rate * (step + 1) / warm
        if self.decay == "constant":
            return self.learning_rate
        progress = (step - warm) / max(total - warm, 1)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))
