"""The plan of a published run, from its plan.json: what is missing there is this machine's, and found anew."""

import contextlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from harness import plugins
from harness.adopted.adopted_network import is_kept
from harness.data.asked import Asked, takes_path
from harness.data.locating import DataPlan, resolve_data
from harness.errors import HarnessError, NetworkError
from harness.initial.weights_choice import IMAGENET, Find
from harness.initial.weights_file import file_digest
from harness.losses.registered import recorded_loss
from harness.networks.architecture import Architecture
from harness.networks.registered import factory_of
from harness.planning.hardware import HERE, Hardware
from harness.planning.plan import Plan
from harness.results import names
from harness.results.recorded import RecordedRun
from harness.storage.store import Store


class NotHere(Exception):  # noqa: N818
    """A run that cannot be repeated on this machine; the text says why."""


@dataclass(frozen=True)
class Machine:
    """What a plan needs of this machine: where images and stages are, how many workers, how weights are found.

    ``jobs`` 0: as many as a run has where nobody says it and nothing is measured. ``images`` say where a user's own
    lie: that is not published. ``hardware`` computes.
    """

    data_root: Path | None
    store: Path
    jobs: int
    find_weights: Find
    images: Asked | None = None
    hardware: Hardware = HERE


def plan_of(run: RecordedRun, machine: Machine) -> Plan:
    """Return the plan that a run was made by, with this machine's images. Raises `NotHere`."""
    raw = run.files.read(names.PLAN)
    if raw is None:
        raise NotHere(f"{names.PLAN} is missing")
    try:
        plan = _read(json.loads(raw), machine.store)
    except HarnessError as error:  # of a loss that is not installed here
        raise NotHere(error.message) from error
    except (ValueError, TypeError, KeyError, AttributeError, ValidationError) as error:
        raise NotHere(f"{names.PLAN} is not one that this version writes ({type(error).__name__})") from error
    try:
        data = resolve_data(_with_images(plan, machine.images), machine.data_root, allow_missing=True, real_only=True)
        weights = _weights_file(plan, machine.find_weights)
        return replace(
            plan, data=data, jobs=machine.jobs or machine.hardware.workers(plan.training.device), weights_file=weights
        )
    except HarnessError as error:
        raise NotHere(error.message) from error


def require_same_machine(plan: Plan, hardware: Hardware = HERE) -> None:
    """Raise `NotHere` where the machines would compute other bits than the plan's."""
    if plan.training.device == "cuda" and not hardware.has_cuda:
        raise NotHere(f"it was made on {plan.environment}, and no CUDA device is here")
    here = hardware.environment(plan.training.device)
    if plan.environment != here:
        raise NotHere(f"it was made on {plan.environment}, this is {here}: bits would differ")


def _with_images(plan: Plan, images: Asked | None) -> DataPlan:
    """Return the plan's data; of a user's own images, where they lie. Raises `NotHere` where nobody says it."""
    if not takes_path(plugins.load(plugins.DATASETS, plan.data.asked.kind)):
        return plan.data
    if images is None:
        raise NotHere("its images are a user's own, and where they lie is not published")
    return replace(plan.data, asked=replace(plan.data.asked, path=images.path))


def _read(values: dict[str, Any], store: Path) -> Plan:
    data = {**values["data"], "folder": None}
    here = {"store": store, "weights_file": None, "jobs": 1}
    entries = [{**entry, "loss": recorded_loss(entry["loss"])} for entry in values["entries"]]
    return TypeAdapter(Plan).validate_python({**values, "entries": entries, "data": data, **here})


def _weights_file(plan: Plan, find: Find) -> str | None:
    """Return the file of start weights that are none of the harness's own. Raises `NotHere` where it is not here."""
    kind, _, sha256 = plan.weights.partition(":")
    if not sha256:
        return None
    if plan.trained and is_kept(Store(plan.store), Architecture(plan.network), plan.weights):
        return None
    path, source = None, factory_of(plan.network).imagenet
    if kind == IMAGENET and source:
        with contextlib.suppress(NetworkError):  # HARNESS_OFFLINE is set, and they are not here
            path = find(source, False)
    if path is None or file_digest(path) != sha256:
        raise NotHere(_absent(plan))
    return str(path)


def _absent(plan: Plan) -> str:
    if plan.trained:
        return f"its network was trained elsewhere, and this store does not have it ({plan.weights[:30]}...)"
    return f"its start weights, {plan.weights[:30]}..., are not on this machine"
