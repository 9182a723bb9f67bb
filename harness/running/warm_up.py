"""What every job's process needs, loaded once in the process that forks them; no method runs here."""

import contextlib
import gc
import time
from collections.abc import Sequence

import torch
from torch import nn

from harness import plugins
from harness.children import fork
from harness.data.loading import image_set
from harness.errors import MachineError, UsageError
from harness.networks.architecture import Architecture
from harness.networks.factories import skeleton
from harness.planning.plan import Plan
from harness.portable.quantisation import load_quantiser
from harness.running.cage import Cage, cage
from harness.running.process_state import start_random_states
from harness.running.read_only import read_only_splits
from harness.storage.remote import load
from harness.training.optimisers import optimiser_of
from harness.training.schedule import OPTIMISERS, Schedule

_POLL_S = 0.05
_LOOKS_FOR_A_DEVICE = ("_accelerator_graph_capture_health_check", "_cuda_graph_capture_health_check")
"""Methods of torch's optimisers, by its versions."""


def caged(plan: Plan, seeds: Sequence[int]) -> Cage:
    """Return this process's cage, now also around the images of these seeds."""
    found = cage()
    for seed in seeds:
        found.watch(*read_only_splits(plan.data, plan.store, seed))
    return found


def warm_up(plan: Plan) -> None:
    """Load the modules, the images and the optimiser's lazy parts, and take down how all is; CUDA is left alone."""
    import harness.running.cells
    import harness.running.job_watcher
    import harness.training.logistic_regression  # noqa: F401 - these are all that a job runs, for its children

    _import_own_methods(plan)
    if any(entry.is_quantised for entry in plan.entries):
        with contextlib.suppress(MachineError):  # which their own cells will tell
            load_quantiser()
    skeleton(Architecture(plan.network))  # whoever's it is, as the command itself did
    step_without_gradients(nn.Linear(2, 2))
    start_random_states()
    if plan.shared:
        _bring_images(plan)
    image_set(plan.data, plan.store)
    cage()
    gc.collect()
    gc.freeze()  # so that collecting in a child does not copy all of this


def _bring_images(plan: Plan) -> None:
    """Fetch the images from object storage, in a process of its own: it will have threads, and this one forks."""

    def bring() -> None:
        with contextlib.suppress(Exception):  # which reading them here will tell
            image_set(plan.data, plan.store)

    load(plan.shared)
    child = fork(bring)
    while not child.ended:
        time.sleep(_POLL_S)


def _import_own_methods(plan: Plan) -> None:
    """Import the built-in methods that the plan asks for; other distributions' are for their jobs' processes alone."""
    for method in sorted({entry.method for entry in plan.entries}):
        plugin = plugins.available(plugins.PRUNERS).get(method)
        if plugin is not None and plugin.is_ours:
            with contextlib.suppress(UsageError):  # which its own cells will tell
                plugin.load()


def step_without_gradients(module: nn.Module) -> None:
    """Take a step of each optimiser without a backward pass, whose threads no fork keeps: it imports much of torch.

    Torch also wraps the step of an optimiser's class when the first one is made: a job must find that done. A step of
    Adam looks for a device whose graph is captured, after which no fork could use CUDA: here it does not look.
    """
    parameters = list(module.parameters())
    for name in OPTIMISERS:
        optimiser = optimiser_of(module, Schedule(optimiser=name))
        for parameter in parameters:
            parameter.grad = torch.zeros_like(parameter)
        nn.utils.clip_grad_norm_(parameters, 1.0, foreach=True)
        for look in _LOOKS_FOR_A_DEVICE:
            setattr(optimiser, look, lambda: None)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
