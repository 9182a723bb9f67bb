"""The rules of losses: each a function of a `LossSchedule` that raises `Broken` where the loss breaks it."""

import inspect
import itertools
import math
import pickle
import traceback
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.errors import text_of
from harness.losses.loss import Loss
from harness.losses.schedule import LossSchedule
from harness.losses.tried import PARTS, all_of, process_state, resolved, value_of

_LOGITS = ((0.3, -1.2), (2.0, 0.15), (-0.4, 0.95), (1.3, 1.7), (0.05, 0.6), (-2.1, 1.1))
_LABELS = (0, 1, 1, 0, 1, 0)
_EXTREMES = (0.0, 1e-30, 30.0, 100.0, 1e4)
_STEP, _TOLERANCE = 1e-5, 1e-5


class Broken(Exception):  # noqa: N818
    """A rule is broken; the text says how, and of which class."""


def broken_rules(loss: LossSchedule) -> Iterator[tuple[str, str]]:
    """Yield (rule, what is wrong or an empty text) for each rule; the first that `resolves` breaks is the last."""
    for rule in RULES:
        what = _tried(rule, loss)
        yield rule.__name__, what
        if what and rule is resolves:
            return


def _tried(rule: Callable[[LossSchedule], None], loss: LossSchedule) -> str:
    try:
        rule(loss)
    except Broken as broken:
        return str(broken)
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if frame.filename == inspect.getfile(type(loss))] or frames
        return f"{_name(loss)} raised {text_of(error)} ({Path(own[-1].filename).name}, line {own[-1].lineno})"
    return ""


def _name(value: Any) -> str:
    """Return an object's class, and its line where that is known."""
    kind = value if isinstance(value, type) else type(value)
    try:
        place = f" ({Path(inspect.getfile(kind)).name}, line {inspect.getsourcelines(kind)[1]})"
    except (OSError, TypeError):
        place = ""
    return f"{kind.__qualname__}{place}"


def has_plain_fields(loss: LossSchedule) -> None:
    """Its class is a frozen dataclass, its fields texts and finite numbers that can be written in an entry."""
    if "__dataclass_fields__" not in vars(type(loss)):
        raise Broken(f"{_name(loss)} is not decorated with @dataclass(frozen=True)")
    for name, value in loss.parameters.items():
        if not isinstance(value, bool | int | float | str) or (isinstance(value, float) and not math.isfinite(value)):
            raise Broken(f"{name} of {_name(loss)} is {value!r}, which is no text, boolean or finite number")
        if isinstance(value, str) and (value != value.strip() or set(value) & set(",[]=")):
            raise Broken(f"{name} of {_name(loss)} is {value!r}, which cannot be written in an entry")
        if name == "loss" or hasattr(LossSchedule, name):
            raise Broken(f"{_name(loss)} has a field called {name}, a name that means something else in every loss")


def can_be_sent(loss: LossSchedule) -> None:
    """It comes out of another process as it went in: its class stands at the top level of a file."""
    for one in (loss, *(found for _, found in resolved(loss))):
        try:
            back = pickle.loads(pickle.dumps(one))  # noqa: S301 - our own
        except Exception as error:
            raise Broken(f"{_name(one)} cannot be sent to another process: {text_of(error)}") from None
        if back != one:
            raise Broken(f"{_name(one)} comes out of another process as {back!r}, not as {one!r}")


def reads_back_what_it_says(loss: LossSchedule) -> None:
    """Its parameters are taken as they are written, and its search space holds them, and values that it takes."""
    written = {name: str(value) for name, value in loss.parameters.items()}
    if loss.with_parameters(written) != loss:
        raise Broken(f"{_name(loss)} does not take its own values {written} back")
    for name, distribution in loss.search_space.items():
        if name not in loss.parameters:
            continue  # a loss may have fewer numbers than its class
        if not distribution._contains(distribution.to_internal_repr(loss.parameters[name])):
            raise Broken(f"{name} = {loss.parameters[name]} of {_name(loss)} is not in its search space")
        ends = getattr(distribution, "choices", None) or (distribution.low, distribution.high)  # type: ignore[attr-defined]
        for value in ends:
            loss.with_parameters({name: value})


def resolves(loss: LossSchedule) -> None:
    """It gives, for every round and count of images, the same frozen `Loss` of plain fields when asked again."""
    for (_, first), (_, again) in zip(resolved(loss), resolved(loss), strict=True):
        if not isinstance(first, Loss):
            raise Broken(f"resolve of {_name(loss)} gives a {type(first).__name__}, not a harness.losses.Loss")
        if "__dataclass_fields__" not in vars(type(first)) or not is_dataclass(first):
            raise Broken(f"{_name(first)} is not decorated with @dataclass(frozen=True)")
        if not _is_plain(first):
            raise Broken(f"a field of {_name(first)} is no number, text or Loss: a stored training is known by them")
        if first != again:
            raise Broken(f"resolve of {_name(loss)} gives {first!r}, and {again!r} when asked again")


def knows_every_part(loss: LossSchedule) -> None:
    """`at` gives a `Loss` for every part of a training, the same when asked again."""
    for _, one in resolved(loss):
        for part in PARTS:
            if not isinstance(one.at(part), Loss) or one.at(part) != one.at(part):
                raise Broken(f"at({part}) of {_name(one)} gives {one.at(part)!r}: not a Loss, or another each time")


def gives_a_scalar(loss: LossSchedule) -> None:
    """It gives one float for a batch, with a graph behind it, for labels of any whole type."""
    for words, one in all_of(loss):
        logits = torch.tensor(_LOGITS, requires_grad=True)
        for dtype in (torch.uint8, torch.int64):
            value = one(logits, torch.tensor(_LABELS, dtype=dtype))
            if not isinstance(value, Tensor) or value.shape != () or not value.is_floating_point():
                raise Broken(f"{_name(one)} gives {_shown(value)} {words}, not one float")
            if not value.requires_grad:
                raise Broken(f"{_name(one)} gives a number without a gradient {words}")


def is_finite(loss: LossSchedule) -> None:
    """Loss and gradient are finite for extreme logits, a batch of one class, and one image."""
    for words, one in all_of(loss):
        for size, labels in itertools.product(_EXTREMES, ([0, 1], [0, 0], [1, 1], [0], [1])):
            signs = torch.tensor([[1.0, -1.0], [-1.0, 1.0]])[: len(labels)]
            for sign in (1, -1):
                value, gradient = value_of(one, sign * size * signs, torch.tensor(labels, dtype=torch.uint8))
                if not math.isfinite(value) or not bool(torch.isfinite(gradient).all()):
                    raise Broken(
                        f"{_name(one)} is {value} with gradient {gradient.tolist()} for logits of size {size:g} and"
                        f" labels {labels} {words}"
                    )


def has_its_gradient(loss: LossSchedule) -> None:
    """Its gradient is that of finite differences."""
    labels = torch.tensor(_LABELS)
    for words, one in all_of(loss):
        logits = torch.tensor(_LOGITS, dtype=torch.float64)
        found = value_of(one, logits, labels)[1]
        for place in itertools.product(range(len(_LABELS)), range(2)):
            above, below = logits.clone(), logits.clone()
            above[place] += _STEP
            below[place] -= _STEP
            slope = (value_of(one, above, labels)[0] - value_of(one, below, labels)[0]) / (2 * _STEP)
            if not math.isclose(slope, found[place].item(), rel_tol=_TOLERANCE, abs_tol=_TOLERANCE):
                both = f"{found[place]:.6g} where finite differences are {slope:.6g}"
                raise Broken(f"the gradient of {_name(one)} is {both} {words}")


def is_a_mean(loss: LossSchedule) -> None:
    """A batch twice over costs what the batch costs: methods add losses up by the number of images."""
    logits, labels = torch.tensor(_LOGITS, dtype=torch.float64), torch.tensor(_LABELS)
    for words, one in all_of(loss):
        once = value_of(one, logits, labels)[0]
        twice = value_of(one, torch.cat([logits, logits]), torch.cat([labels, labels]))[0]
        if not math.isclose(once, twice, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE):
            raise Broken(f"{_name(one)} is {once:.6g} for a batch and {twice:.6g} for the batch twice over {words}")


def keeps_no_state(loss: LossSchedule) -> None:
    """Asked again it gives the same bits; it changes neither its batch nor a random state nor a setting."""
    before = process_state()
    for words, one in all_of(loss):
        values = []
        for _ in range(3):
            logits, labels = torch.tensor(_LOGITS), torch.tensor(_LABELS)
            value_of(one, -logits[:2], 1 - labels[:2])
            value, gradient = value_of(one, logits, labels)
            values.append((value, gradient.tolist()))
            if not torch.equal(logits, torch.tensor(_LOGITS)) or labels.tolist() != list(_LABELS):
                raise Broken(f"{_name(one)} changes its logits or labels {words}")
        if values[0] != values[1] or values[1] != values[2]:
            raise Broken(f"{_name(one)} gives {', '.join(f'{value:.9g}' for value, _ in values)} for one batch {words}")
    if process_state() != before:
        raise Broken(f"{_name(loss)} changes a random state or a setting of torch: {_moved(before)}")


RULES: tuple[Callable[[LossSchedule], None], ...] = (
    *(has_plain_fields, resolves, can_be_sent, reads_back_what_it_says, knows_every_part, gives_a_scalar),
    *(keeps_no_state, is_finite, has_its_gradient, is_a_mean),
)
"""Every rule, in the order in which they are tried."""


def _shown(value: Any) -> str:
    return f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"


def _moved(before: dict[str, str]) -> str:
    after = process_state()
    return ", ".join(name for name in before if before[name] != after[name])


def _is_plain(value: Any) -> bool:
    if isinstance(value, Loss):
        return all(_is_plain(getattr(value, one.name)) for one in fields(value))
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)
