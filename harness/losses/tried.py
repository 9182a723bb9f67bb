"""A loss as it is tried: what it resolves to, its value and gradient, and what it must leave alone in its process."""

import itertools
import os
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness.losses.loss import Loss
from harness.losses.schedule import LossSchedule

COUNTS = ((130, 545), (1, 1), (3, 40_000), (900, 20))
"""Positives and negatives of the training splits that a loss is resolved for."""

_ROUNDS, PARTS = (0, 1, 7), (0.001, 0.5, 0.999, 1.0)


def process_state() -> dict[str, str]:
    """Return what a loss must leave alone in its process, as text by name."""
    return {
        "torch's random state": str(hash(torch.get_rng_state().numpy().tobytes())),
        "numpy's random state": str(
            hash(repr([np.asarray(part).tolist() for part in np.random.get_state(legacy=True)]))
        ),
        "Python's random state": str(hash(random.getstate())),
        "torch's number of threads": str(torch.get_num_threads()),
        "torch's default type": str(torch.get_default_dtype()),
        "torch's gradient mode": str(torch.is_grad_enabled()),
        "torch's deterministic mode": str(torch.are_deterministic_algorithms_enabled()),
        "torch's matrix precision": torch.get_float32_matmul_precision(),
        "the working directory": _folder(),
        "the variables of the environment": str(hash(frozenset(os.environ.items()))),
    }


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        return "gone"


def resolved(loss: LossSchedule) -> Iterator[tuple[str, Any]]:
    """Yield what the loss resolves to, each with where."""
    for round, (positives, negatives) in itertools.product(_ROUNDS, COUNTS):
        yield f"in round {round} of {positives} / {negatives}", loss.resolve(round, positives, negatives)


def all_of(loss: LossSchedule) -> Iterator[tuple[str, Loss]]:
    """Yield every different loss that is trained with, each with where."""
    seen: list[Loss] = []
    for words, whole in resolved(loss):
        for part, one in [(None, whole), *((part, whole.at(part)) for part in PARTS)]:
            if one not in seen:
                seen.append(one)
                yield words if part is None else f"{words}, at {part:g} of the epochs", one


def value_of(loss: Loss, logits: Tensor, labels: Tensor) -> tuple[float, Tensor]:
    """Return a batch's loss and its gradient."""
    leaf = logits.clone().requires_grad_()
    value = loss(leaf, labels)
    (gradient,) = torch.autograd.grad(value, leaf)
    logits.copy_(leaf.detach())  # so that a change in place is seen
    return value.item(), gradient
