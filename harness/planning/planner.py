"""A frozen plan from a configuration and one command's flags; what refuses a plan comes before what is kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.data.asked import Asked, asked_for, load_dataset, understood
from harness.data.completeness import remarks
from harness.data.draw import Cutting, require_ratios
from harness.data.loading import planned_parts
from harness.data.locating import DataPlan, Fetch, resolve_data
from harness.data.simulated_dataset import SimulatedDataset
from harness.errors import MachineError, UsageError
from harness.images.decoding import Conversion
from harness.initial.pretraining_source import AUTO, pretraining_source, saw_classes
from harness.initial.weights_choice import SIMULATED, Find, Weights, check_weights, is_trained, resolve_weights
from harness.losses.schedule import LossSchedule
from harness.networks.contract import require_fit
from harness.planning.cell_limit import read_cell_limit
from harness.planning.configuration import Configuration, DataOptions
from harness.planning.description import traits_of
from harness.planning.entries import Entry, entry_of
from harness.planning.hardware import HERE, Hardware
from harness.planning.levels import levels_asked
from harness.planning.plan import Plan
from harness.planning.selection import resolve
from harness.planning.trained_start import COMMON, remarks_on, trained_start
from harness.portable.quantisation import require_quantiser
from harness.results.names import PROBE, REFERENCES
from harness.storage.mirror import address_of
from harness.training.schedule import Device, Schedule


@dataclass(frozen=True)
class Flags:
    """Choices that belong to one command, not to a configuration file. ``data_root`` None: where the user has it."""

    preset: str
    data_root: Path | None
    store: Path
    allow_missing: bool = False
    real_only: bool = False
    skip_broken: bool = False
    allow_duplicates: bool = False


@dataclass(frozen=True)
class Downloads:
    """How a plan gets images and ImageNet weights that are not on this machine.

    Without ``images`` it makes do with what is there, and keeps nothing: a dry run.
    """

    images: Fetch | None = None
    weights: Find = lambda *_: None


def build_plan(
    options: Configuration, flags: Flags, downloads: Downloads = Downloads(), hardware: Hardware = HERE
) -> tuple[Plan, list[str]]:
    """Return the plan for some ``hardware`` and notes for the user; nothing is trained.

    Raises `UsageError`, `DataError` or `MachineError`.
    """
    _require_names(options)
    common = {**COMMON, **options.parameters} if options.trained else options.parameters
    twins = options.quantise == "int8"
    entries, notes = resolve(options.methods, common, options.loss, options.loss_schedules, twins=twins)
    if any(entry.is_quantised for entry in entries):
        require_quantiser()
    device = _device(options, hardware)
    own, told = trained_start(options) if options.trained else (None, [])
    if own is None:
        check_weights(options.weights, options.network)
    _require_drawn(options.pretraining.dataset)
    levels, same = levels_asked(options.densities, options.network)
    notes += same
    if (read := understood(options.data.name)) != options.data.name:
        notes.append(f"--dataset {options.data.name} is read as {read}")
    data = _located(options, flags, downloads)
    if data.folder:
        notes += remarks(data.dataset(), Path(data.folder))
    notes += [*told, *remarks_on(entries, data)] if own else []
    # Last, since it is kept for the store: what refuses the plan must come before.
    weights = own or resolve_weights(
        options.weights, options.network, flags.store, downloads.weights, fetch=downloads.images is not None
    )
    if data.fallback_for and downloads.images is None:
        notes.append(f"a dry run downloads nothing: a run first tries to fetch {data.fallback_for}")
    if weights.note:
        notes.append(weights.note)
    source = pretraining_source(options.pretraining.dataset, data.dataset())
    if weights.name == SIMULATED and saw_classes(source, data.dataset()):
        notes.append(f"W0 is pretrained on {source}, so that it sees the classes of {data.name} before any training")
    pretraining = replace(options.pretraining, dataset=source)
    return _plan(
        replace(options, pretraining=pretraining), flags, entries, levels, device, data, weights, hardware
    ), notes


def _require_names(options: Configuration) -> None:
    """Raise `UsageError` for a network or a data set that nobody registered, or a network that does not fit."""
    require_fit(options.network, options.data.size)
    asked_of(options.data).dataset()


def asked_of(data: DataOptions) -> Asked:
    """Return the data set that is asked for."""
    return asked_for(data.name, data.positive)


def _require_drawn(source: str) -> None:
    if source != AUTO and not isinstance(load_dataset(source), SimulatedDataset):
        raise UsageError(
            f"pretraining.dataset {source!r} is not simulated: it has no latent variables",
            fix="use auto, isic-sim or crack-sim",
        )


def _device(options: Configuration, hardware: Hardware) -> Device:
    asked = options.training.device
    if asked == "cpu" or (asked == "auto" and not hardware.has_cuda):
        _require_no_tf32(options)
        return "cpu"
    if not hardware.has_cuda:
        raise MachineError(
            "training.device is cuda, and torch finds no CUDA device where this would be computed",
            fix="use --set training.device=cpu, or a machine with a GPU, its driver and a torch built for CUDA",
        )
    return "cuda"


def _require_no_tf32(options: Configuration) -> None:
    schedules = {"training": options.training, "pretraining.training": options.pretraining.training}
    if asked := [f"{name}.precision" for name, schedule in schedules.items() if schedule.precision == "tf32"]:
        raise UsageError(
            f"tf32 ({', '.join(asked)}) is what CUDA devices multiply in, and this training is on a CPU",
            fix=f"use {' '.join(f'--set {one}=float32' for one in asked)}, or auto in the place of float32",
        )


def variants(plan: Plan, data: DataOptions) -> list[Plan]:
    """Return the plan for each fold and each ratio that is asked for: runs that share all but what they are cut into.

    Raises `UsageError` for ratios that the training images cannot give.
    """
    ratios = tuple(None if ratio == "natural" else ratio for ratio in data.imbalance)
    cuttings = [
        plan.data.cutting._replace(folds=data.folds, fold=fold, imbalance=ratio)
        for ratio in ratios
        for fold in (range(1, data.folds + 1) if data.folds else [None])
    ]
    found = [replace(plan, data=replace(plan.data, cutting=cutting)) for cutting in cuttings]
    if ratios != (None,):
        for one in found[: data.folds or 1]:
            natural = replace(one.data, cutting=one.data.cutting._replace(imbalance=None))
            positives, negatives = planned_parts(natural, plan.seeds[0])["train"]
            require_ratios(ratios, negatives, positives, plan.data.name)
    return found


def _located(options: Configuration, flags: Flags, downloads: Downloads) -> DataPlan:
    wanted = DataPlan(
        asked=asked_of(options.data),
        folder=None,
        size=options.data.size,
        cutting=Cutting(
            validation_fraction=options.data.validation_fraction,
            test_fraction=options.data.test_fraction,
            fixed=options.data.split == "fixed",
            split_seed=options.data.split_seed,
        ),
        conversion=Conversion(options.data.max_pixels),
        skip_broken=flags.skip_broken,
        allow_duplicates=flags.allow_duplicates,
    )
    return resolve_data(
        wanted,
        flags.data_root,
        allow_missing=flags.allow_missing,
        real_only=flags.real_only,
        fetch=downloads.images,
    )


def _plan(
    options: Configuration,
    flags: Flags,
    entries: list[Entry],
    levels: tuple[float, ...],
    device: Device,
    data: DataPlan,
    weights: Weights,
    hardware: Hardware,
) -> Plan:
    return Plan(
        preset=flags.preset,
        entries=(*(entry_of(reference, {}) for reference in _references(weights)), *entries),
        seeds=options.seed_list,
        densities=levels,
        network=options.network,
        weights=weights.name,
        weights_file=weights.file,
        data=data,
        training=_concrete(options.training, device, hardware),
        pretraining=replace(options.pretraining, training=_concrete(options.pretraining.training, device, hardware)),
        environment=hardware.environment(device),
        store=flags.store.absolute(),
        jobs=options.jobs or hardware.workers(device),
        cell_limit=read_cell_limit(options.cell_limit),
        verdict=options.verdict,
        unusable=_unusable(entries, options.loss_schedules),
        shared=address_of(flags.store),
    )


def _references(weights: Weights) -> tuple[str, ...]:
    """Return the references of a run: of a network that was trained elsewhere the probe would read its own features."""
    return tuple(one for one in REFERENCES if one != PROBE or not is_trained(weights.name))


def _unusable(entries: Iterable[Entry], losses: Mapping[str, LossSchedule]) -> dict[str, str]:
    """Return why entries cannot be run; of the others all is asked now that publishing them wants to know."""
    found = {}
    for entry in entries:
        try:
            if entry.in_float().text == entry.method:
                entry_of(entry.method, {}, None, losses)
            traits_of(entry.method)
        except UsageError as error:
            found[entry.text] = error.message
        else:
            entry.code(), entry.plain
    return found


def _concrete(schedule: Schedule, device: Device, hardware: Hardware) -> Schedule:
    """Return ``schedule`` with the machines' device and precision in the place of ``auto``."""
    precision = hardware.precision(device) if schedule.precision == "auto" else schedule.precision
    return replace(schedule, device=device, precision=precision)
