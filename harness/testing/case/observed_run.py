"""One run of a method under every watch at once, for the checks that only ask what it did."""

import functools
import os
import re
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from harness.networks.architecture import Network
from harness.testing.case.case import LEVELS, Case, place
from harness.testing.case.watched_bench import WatchedBench, WatchedStore
from harness.testing.case.watchers import RECORDER, output_in

_SETTLE_S = 0.2
"""Time in which threads that were told to end may do so."""

_OF_DEVELOPERS = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)
"""What libraries tell those who wrote them; a method can help only what it causes itself."""


@dataclass
class WorkCount:
    """Optimiser steps by the kind of stage they happened in; gradients and images outside of stages."""

    steps: list[str | None] = field(default_factory=list)
    gradients: int = 0
    images: int = 0


@contextmanager
def watched_work(store: WatchedStore) -> Iterator[WorkCount]:
    """Count work while the block runs; images where they enter a network, or modules of it that are called alone."""
    work = WorkCount()
    within = 0

    def step(*_: Any) -> None:
        work.steps.append(store.inside)

    def enter(module: nn.Module, arguments: tuple[Any, ...]) -> None:
        nonlocal within
        if within == 0 and store.inside is None and _takes_images(module, arguments):
            work.images += len(arguments[0])
        within += 1

    def leave(*_: Any) -> None:
        nonlocal within
        within -= 1

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            work.gradients += store.inside is None
            return function(*arguments, **named)

        return call

    hooks = [
        register_optimizer_step_pre_hook(step),
        nn.modules.module.register_module_forward_pre_hook(enter),
        nn.modules.module.register_module_forward_hook(leave, always_call=True),
    ]
    usual = torch.autograd.backward, torch.autograd.grad
    torch.autograd.backward, torch.autograd.grad = counted(usual[0]), counted(usual[1])
    try:
        yield work
    finally:
        torch.autograd.backward, torch.autograd.grad = usual
        for hook in hooks:
            hook.remove()


def _takes_images(module: nn.Module, arguments: tuple[Any, ...]) -> bool:
    """Tell whether images, or maps of features, go in; a loss or an activation called alone costs next to nothing."""
    given = arguments[0] if arguments else None
    weighted = isinstance(module, Network) or next(module.parameters(), None) is not None
    return weighted and isinstance(given, torch.Tensor) and given.ndim == 4


@dataclass(frozen=True)
class Observed:
    """What a method did while it pruned, and what it left behind."""

    bench: WatchedBench
    work: WorkCount
    where: str
    output: str
    opened: tuple[str, ...]
    connected: tuple[str, ...]
    threads: tuple[str, ...]
    children: bool
    attributes: tuple[str, ...]


@functools.cache
def observed(case: Case) -> Observed:
    """Return the run of this process's method, made on the first call; its own work is done anew."""
    store = case.own_store()
    bench = case.bench(store=store)
    bench.dense()  # the harness's own lazy imports
    bench.trainings.clear()
    attributes, threads = set(vars(bench)), set(threading.enumerate())
    _show_warnings(type(case.pruner).__module__)
    said = len(output_of(case))
    with RECORDER.listening(), watched_work(store) as work:
        case.prune(bench)
    time.sleep(_SETTLE_S if set(threading.enumerate()) - threads else 0)
    return Observed(
        bench=bench,
        work=work,
        where=place(bench, LEVELS),
        output=output_of(case)[said:],
        opened=tuple(RECORDER.opened),
        connected=tuple(RECORDER.connected),
        threads=tuple(thread.name for thread in set(threading.enumerate()) - threads),
        children=_has_children(),
        attributes=tuple(sorted(set(vars(bench)) - attributes)),
    )


def _show_warnings(module: str) -> None:
    """Show every warning, but of those meant for developers only the ones of the method's own package."""
    own = rf"{re.escape(module.partition('.')[0])}(\.|$)"
    warnings.simplefilter("always")
    for kind in _OF_DEVELOPERS:
        warnings.simplefilter("ignore", kind)
        warnings.filterwarnings("always", category=kind, module=own)


def output_of(case: Case) -> str:
    """Return what this process has written to stdout and stderr so far."""
    sys.stdout.flush()
    sys.stderr.flush()
    return output_in(case.folder)


def _has_children() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True
