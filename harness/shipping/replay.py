"""The network of a published cell: taken from the stages of its store, or computed anew from its plan."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from harness import __version__
from harness.data.loading import Splits, splits_of
from harness.data.locating import DataPlan
from harness.errors import DataError, MachineError
from harness.images.bit_depth import BitDepth
from harness.images.decoding import bit_depth
from harness.integrity.recorded_plan import Machine, NotHere, plan_of, require_same_machine
from harness.planning.entries import Entry
from harness.planning.plan import Plan
from harness.portable.nameplate import Nameplate, Preprocessing
from harness.portable.onnx_file import renamed
from harness.portable.quantisation import BITS, load_quantiser
from harness.portable.shipped_network import ShippedNetwork
from harness.progress import Reporter
from harness.results import names
from harness.results.cell_record import CellRecord
from harness.running.cell import Cell
from harness.running.cells import cells, score_test
from harness.running.executors.executor import listener
from harness.running.pool import Job, Pool
from harness.running.publication import run_key
from harness.running.run import prepare
from harness.shipping.held_cell import HeldCell
from harness.sparsity.mask import Mask
from harness.storage.store import StageAbsent, Store


@dataclass(frozen=True)
class Replayed:
    """A cell's network as it ships, its mask (None where it has none), and the images that it was made with.

    ``file`` is the ONNX file of a twin, whose scores the record has; None of a network in float.
    """

    shipped: ShippedNetwork
    mask: Mask | None
    record: CellRecord
    splits: Splits
    plan: Plan
    entry: Entry
    file: bytes | None = None


def replayed(held: HeldCell, machine: Machine, reporter: Reporter) -> Replayed:
    """Return the network of a published cell, whose validation and test scores are the published ones to the bit.

    Stages that were evicted are computed anew, which is said first. Raises `MachineError` where that cannot be done
    here, `DataError` where it gives another network, and whatever reading the images raises.
    """
    try:
        plan, splits = _planned(held, machine, reporter)
        found = _from_store(held, plan)
        if found is None:
            require_same_machine(plan)
            reporter.note(f"The store no longer has all stages of {held.name}: computing it anew from its plan")
            _compute(held, plan, reporter)
            found = _from_store(held, plan)
    except NotHere as why:
        raise MachineError(
            f"the network of {held.name} cannot be had on this machine: {why}",
            fix="go to where it was made, with its store and its images (--store, --data-dir); where a newer version of"
            " the harness changed a method, give the `harness run` again: trainings in the store are found",
        ) from why
    if found is None:
        raise MachineError(f"the stages of {held.name} vanished right after they were computed", fix="check the disk")
    cell, record = found
    _require_same_scores(held, record)
    return _ready(held, plan, splits, cell, record)


def twin_of(held: HeldCell, found: Replayed) -> Replayed:
    """Return the twin in int8 of a network that was `replayed`: quantised and scored now, unless the store has it.

    Raises `MachineError` where what quantises is not installed, `DataError` where the network cannot be quantised.
    """
    load_quantiser()
    entry = found.entry.twin()
    plan = replace(found.plan, entries=(entry,))
    store = Store(plan.store)
    with _one_thread():
        (cell,) = cells(plan, entry, held.name.seed, plan.densities, store)
        record = score_test(plan, cell, store)
    if record.status != names.DONE:
        raise DataError(f"{held.name} in int8 {record.status} ({record.reason})", fix="export it as it is")
    return _ready(held, plan, found.splits, cell, record)


def _ready(held: HeldCell, plan: Plan, splits: Splits, cell: Cell, record: CellRecord) -> Replayed:
    assert cell.pruned is not None
    shipped = ShippedNetwork(cell.pruned.network, _nameplate(held, plan, cell))
    file = None if cell.file is None else renamed(cell.file, replace(shipped.nameplate, bits=BITS))
    return Replayed(shipped, cell.pruned.mask, record, splits, plan, cell.entry, file)


def _planned(held: HeldCell, machine: Machine, reporter: Reporter) -> tuple[Plan, Splits]:
    """Return a cell's plan and images, once they are known to be those that it was made from. Raises `NotHere`."""
    whole = plan_of(held.run, replace(machine, images=held.name.images or machine.images))
    whole = replace(whole, data=prepare(replace(whole, seeds=(held.name.seed,)), reporter).data)
    splits = splits_of(whole.data, whole.store, held.name.seed)
    entry = next((one for one in whole.entries if one.text == held.run.tags[names.ENTRY]), None)
    if entry is None:
        raise NotHere(f"{names.PLAN} does not have its entry")
    if run_key(whole, entry, held.name.seed, splits) != held.run.tags.get(names.KEY):
        raise NotHere("its images, its settings or the code of its method or network are not those that are here")
    return replace(whole, entries=(entry,), densities=(held.level.density,), seeds=(held.name.seed,)), splits


def _from_store(held: HeldCell, plan: Plan) -> tuple[Cell, CellRecord] | None:
    """Return the cell and its record where the store has every stage of it, and None where one is not there."""
    store = Store(plan.store, compute=False)
    with contextlib.suppress(StageAbsent), _one_thread():
        (cell,) = cells(plan, plan.entries[0], held.name.seed, plan.densities, store)
        return cell, score_test(plan, cell, store)
    return None


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Compute as a worker does: what a method computes beside its stages decides which stages these are."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _compute(held: HeldCell, plan: Plan, reporter: Reporter) -> None:
    with reporter.task(f"Computing {held.name} anew", 1, "cells") as task:
        for outcome in Pool(plan, listener(plan, reporter), jobs=[Job(0, held.name.seed)]).run():
            task.update(1)
            record = outcome.records[0]
            if record.status != names.DONE:
                raise DataError(
                    f"{held.name}, computed anew, {record.status} ({record.reason})", fix="harness verify tells more"
                )


def _require_same_scores(held: HeldCell, record: CellRecord) -> None:
    for split in (names.VALIDATION, names.TEST):
        published, now = (getattr(one, f"{split}_scores") for one in (held.record, record))
        if published != now:
            raise DataError(
                f"the network of {held.name} gives other {split} scores than those that are published",
                fix="harness verify tells what of the results is not as it was",
            )


def _nameplate(held: HeldCell, plan: Plan, cell: Cell) -> Nameplate:
    told = held.provenance
    return Nameplate(
        dataset=held.name.dataset,
        entry=cell.entry.text,
        density=cell.density,
        seed=cell.seed,
        fold=plan.data.cutting.fold,
        imbalance=plan.data.cutting.imbalance,
        network=plan.network,
        classes=(told["classes"][0], told["classes"][1]),
        preprocessing=preprocessing_of(plan.data),
        thresholds={name: threshold.value for name, threshold in cell.thresholds.items()},
        simulated=bool(told["simulated"]),
        group=held.group,
        run=held.run.run_id,
        harness=__version__,
    )


def preprocessing_of(data: DataPlan) -> Preprocessing:
    """Return what becomes of an image; the scale of 16-bit values is that of all files, as when they were decoded."""
    depth = bit_depth([one.path for one in data.samples() if one.path is not None], data.conversion)
    return Preprocessing(
        size=data.size, depth=depth if depth.deep else BitDepth(), max_pixels=data.conversion.max_pixels
    )
