"""A frozen plan from a configuration and one command's flags: one decision a function, in order."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from harness.data.dataset import FileDataset, SimulatedDataset
from harness.data.locating import DataPlan, load_dataset, resolve_data
from harness.environment import environment_class, native_precision, usable_cores
from harness.errors import UsageError, nearest
from harness.initial.weights_choice import check_weights, resolve_weights
from harness.networks.factories import FACTORIES
from harness.planning.configuration import Configuration
from harness.planning.entries import entry_of
from harness.planning.plan import Plan
from harness.planning.selection import resolve
from harness.progress import Reporter
from harness.pruning.dense import DENSE
from harness.training.inference import resolve_device
from harness.training.schedule import Schedule


@dataclass(frozen=True)
class Flags:
    """Choices that belong to one command, not to a configuration file."""

    preset: str
    data_root: Path
    store: Path
    allow_missing: bool = False
    real_only: bool = False


def build_plan(options: Configuration, flags: Flags, reporter: Reporter | None = None) -> tuple[Plan, list[str]]:
    """Return the plan and notes for the user; nothing is trained.

    With a ``reporter`` it downloads what is not on this machine, images and ImageNet weights, and shows the progress
    there; without one (a dry run) it makes do with what is. Raises `UsageError`, `DataError` or `MachineError`.
    """
    if options.network not in FACTORIES:
        raise UsageError(
            f"unknown network {options.network!r}{nearest(options.network, FACTORIES)}",
            fix=f"use one of: {', '.join(FACTORIES)}",
        )
    load_dataset(options.data.name)
    entries, notes = resolve(options.methods, options.parameters, options.loss, options.loss_schedules)
    device: Literal["cpu", "cuda"] = "cuda" if resolve_device(options.training.device).type == "cuda" else "cpu"
    check_weights(options.weights, options.network)
    if not isinstance(load_dataset(options.pretraining.dataset), SimulatedDataset):
        raise UsageError(
            f"pretraining.dataset {options.pretraining.dataset!r} is not simulated: it has no latent variables",
            fix="use isic-sim",
        )
    data = DataPlan(
        name=options.data.name,
        folder=None,
        size=options.data.size,
        validation_fraction=options.data.validation_fraction,
        split_seed=options.data.split_seed,
    )
    resolved = resolve_data(
        data,
        flags.data_root,
        allow_missing=flags.allow_missing,
        real_only=flags.real_only,
        fetch=None if reporter is None else partial(_fetch, reporter),
    )
    # Last, since it is kept for the store: what refuses the plan must come before.
    weights = resolve_weights(
        options.weights, options.network, flags.store, partial(_imagenet, reporter), fetch=reporter is not None
    )
    plan = Plan(
        preset=flags.preset,
        entries=(entry_of(DENSE, {}), *entries),
        seeds=options.seed_list,
        densities=tuple(sorted({1.0, *options.densities}, reverse=True)),
        network=options.network,
        weights=weights.name,
        weights_file=weights.file,
        data=resolved,
        training=_concrete(options.training, device),
        pretraining=replace(options.pretraining, training=_concrete(options.pretraining.training, device)),
        environment=environment_class(device),
        store=flags.store.absolute(),
        jobs=options.jobs or (1 if device == "cuda" else usable_cores()),
    )
    if resolved.fallback_for and reporter is None:
        notes.append(f"a dry run downloads nothing: a run first tries to fetch {resolved.fallback_for}")
    return plan, [*notes, weights.note] if weights.note else notes


def _imagenet(reporter: Reporter | None, download: bool) -> Path | None:
    # Lazily, here and below: workers, and machines without a network, never need it.
    from harness.downloads.imagenet import imagenet_file

    return imagenet_file(fetch=download, reporter=reporter)


def _fetch(reporter: Reporter, dataset: FileDataset, folder: Path) -> None:
    from harness.downloads.fetching import fetch

    for note in fetch(dataset, folder, reporter):
        reporter.note(note)


def _concrete(schedule: Schedule, device: Literal["cpu", "cuda"]) -> Schedule:
    """Return ``schedule`` with this machine's device and precision in the place of ``auto``."""
    precision = native_precision(device) if schedule.precision == "auto" else schedule.precision
    return replace(schedule, device=device, precision=precision)
