"""How a network is trained: everything about a training stage but its data, its loss and its start."""

import math
from dataclasses import field, replace
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import ConfigDict, Field, StrictFloat, StrictInt
from pydantic.dataclasses import dataclass

from harness.key_fields import YOUNGER

Precision = Literal["auto", "float32", "bfloat16"]
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
    """SGD with momentum, or AdamW (``momentum`` is not its), over drawn batches; what it ends with is kept.

    ``sampler``: each image once an epoch, ``shuffled``, or as many draws with each class equally likely, ``balanced``.

    ``epochs`` passes over the training split, at most ``max_steps`` steps (0 = no limit). The learning rate rises
    linearly over the ``warmup`` fraction of all steps, then stays (``constant``) or falls to 0 (``cosine``).
    ``clip`` bounds the gradient's norm (0 = off). ``norm_momentum`` is each batch's share of the batch norms' running
    statistics, whatever the network's own: some have 0.01, for ImageNet's long training, but what is pruned has other
    statistics than W0, and a few hundred steps must reach them. ``augmentation`` ``paper`` is all of the paper's Table
    I, the others parts of it. ``precision`` ``auto`` is bfloat16 where the device computes in it. ``keep="best"`` keeps
    the epoch of the best validation AUC after the warm-up instead, the first of equals: a choice among few positives.
    """

    key_name: ClassVar[str] = ""
    epochs: Annotated[StrictInt, Field(ge=1)] = 100
    max_steps: Annotated[StrictInt, Field(ge=0)] = 0
    batch_size: Annotated[StrictInt, Field(ge=2)] = 32
    optimiser: Optimiser = field(default="sgd", metadata=YOUNGER)
    sampler: Sampler = field(default="shuffled", metadata=YOUNGER)
    learning_rate: Annotated[StrictFloat, Field(gt=0, allow_inf_nan=False)] = 0.01
    momentum: Annotated[StrictFloat, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.9
    weight_decay: Annotated[StrictFloat, Field(ge=0, allow_inf_nan=False)] = 0.0
    warmup: Annotated[StrictFloat, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.0
    decay: Literal["constant", "cosine"] = "constant"
    clip: Annotated[StrictFloat, Field(ge=0, allow_inf_nan=False)] = 0.0
    dropout: Annotated[StrictFloat, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.0
    norm_momentum: Annotated[StrictFloat, Field(gt=0, le=1, allow_inf_nan=False)] = field(default=0.1, metadata=YOUNGER)
    augmentation: Literal["none", "flips", "flips-affine", "paper"] = "flips-affine"
    precision: Precision = "auto"
    device: Device = "auto"
    keep: Literal["last", "best"] = "last"

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
