"""The one unit of work: `cells` runs one entry for one seed on validation only; `score_test` is separate."""

import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import torch

from harness.data.image_split import ImageSplit
from harness.data.loading import test_split
from harness.errors import MachineError, UsageError, is_out_of_memory
from harness.evaluation.metrics import evaluate
from harness.evaluation.thresholds import Threshold
from harness.networks.architecture import Network
from harness.networks.factories import build, parameter_count
from harness.planning.entries import Entry, why_skipped
from harness.planning.plan import Plan
from harness.pruning.pruner import PrunedNetwork, Pruner
from harness.pruning.workbench import Cost, TrainingDiverged, Workbench
from harness.running.bench import bench_of
from harness.running.inspection import Inspection, inspect
from harness.running.scoring import fixed_thresholds, score
from harness.sparsity.mask import DensityUnreachable
from harness.storage.canonical import canonical_state
from harness.storage.store import Store
from harness.training.inference import moves


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One entry at one level for one seed: what came out, on validation.

    ``status``: done, failed, diverged or skipped, with the ``reason`` in words. ``metrics`` by the names of
    docs/results.md. ``thresholds`` were fixed on validation and stored before this cell existed. ``layers`` are
    `Inspection.layers`.
    """

    entry: Entry
    seed: int
    density: float
    status: str
    reason: str = ""
    detail: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    thresholds: dict[str, Threshold] = field(default_factory=dict)
    layers: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    validation_scores: tuple[float, ...] = ()
    pruned: PrunedNetwork | None = None


def cells(
    plan: Plan, entry: Entry, seed: int, densities: Sequence[float], store: Store | None = None
) -> Iterator[Cell]:
    """Yield one cell per density, densest first; validation only.

    ``store`` defaults to the plan's, waiting for stages that another process computes. A method's own failure becomes
    failed cells; `StageBusy`, `MachineError` and interrupts pass through.
    """
    try:
        pruner = entry.pruner()
    except UsageError as error:  # a plugin that cannot be imported fails alone
        yield from _all(Cell(entry=entry, seed=seed, density=1.0, status="failed", reason=error.message), densities)
        return
    store = store or Store(plan.store)
    bench, initial, validation = bench_of(plan, entry, seed, store)
    blank = Cell(entry=entry, seed=seed, density=1.0, status="done")
    try:
        sentence = why_skipped(pruner, initial)
    except Exception as error:
        yield from _all(_failed(blank, error), densities)
        return
    if sentence:
        yield from _all(replace(blank, status="skipped", reason=sentence), densities)
        return
    groups = [[d] for d in densities] if pruner.level_order == "independent" else [list(densities)]
    for wanted in groups:
        bench.cost = Cost()
        for cell, pruned in _outcomes(pruner, bench, blank, wanted):
            yield cell if pruned is None else _checked(plan, pruner, cell, pruned, bench, initial, validation, store)


def _all(cell: Cell, densities: Sequence[float]) -> Iterator[Cell]:
    """Yield the same cell for every density: nothing was tried."""
    return (replace(cell, density=density) for density in densities)


def _outcomes(
    pruner: Pruner, bench: Workbench, blank: Cell, densities: Sequence[float]
) -> Iterator[tuple[Cell, PrunedNetwork | None]]:
    """Yield each density's cell with the network that the method gives, or with what went wrong and None."""
    generator: Iterator[PrunedNetwork] | None = None
    failure: Cell | None = None
    for density in densities:
        pruned = None
        if failure is None:
            try:
                generator = generator or iter(pruner.prune(bench, tuple(densities)))
                pruned = next(generator)
                if not (isinstance(pruned, PrunedNetwork) and isinstance(pruned.network, Network)):
                    raise TypeError(f"the method yielded {type(pruned).__name__}, not a PrunedNetwork")
            except StopIteration:
                reason = f"the method yielded no network for density {density:g}"
                failure = replace(blank, status="failed", reason=reason)
            except Exception as error:
                failure, pruned = _failed(blank, error), None
        yield replace(failure or blank, density=density), pruned


def _failed(blank: Cell, error: Exception) -> Cell:
    """Return the cell of a method that raised; a machine's error is not the method's and goes on up."""
    if isinstance(error, MachineError) or is_out_of_memory(error):
        raise error
    if isinstance(error, DensityUnreachable):
        return replace(blank, status="skipped", reason=str(error))
    if isinstance(error, TrainingDiverged):
        return replace(blank, status="diverged", reason=str(error))
    reason = f"{type(error).__name__}: {error}"
    return replace(blank, status="failed", reason=reason, detail=traceback.format_exc())


def _checked(
    plan: Plan,
    pruner: Pruner,
    cell: Cell,
    pruned: PrunedNetwork,
    bench: Workbench,
    initial: Network,
    validation: ImageSplit,
    store: Store,
) -> Cell:
    """Return the cell of a yielded network: what rule it breaks, or its sizes and validation figures."""
    try:
        tolerance = pruner.density_tolerance
        found = inspect(pruned, cell.density, parameter_count(initial), tolerance, plan.data.size)
    except Exception as error:
        return _failed(cell, error)
    if found.faults:
        return replace(cell, status="failed", reason="; ".join(found.faults))
    return _measured(plan, cell, pruned, found, bench, validation, store)


def _measured(
    plan: Plan,
    cell: Cell,
    pruned: PrunedNetwork,
    found: Inspection,
    bench: Workbench,
    validation: ImageSplit,
    store: Store,
) -> Cell:
    untrained = "the scores did not move before training, so nothing was trained" if bench.dead else ""
    reason = "; ".join(part for part in (found.collapse, untrained) if part)
    base = replace(cell, reason=reason, layers=dict(found.layers))
    pruned = PrunedNetwork(build(pruned.network.architecture, canonical_state(pruned.network)), pruned.mask)
    scored = score(pruned.network, validation, plan, store)
    scores = scored.value["scores"]
    if not bool(torch.isfinite(scores).all()):
        return replace(base, status="diverged", reason="the validation scores are not finite")
    thresholds = fixed_thresholds(scored, validation, store)
    values = {name: threshold.value for name, threshold in thresholds.items()}
    metrics = {
        "size/density": found.density,
        "size/parameters": found.parameters,
        "size/alive": found.alive,
        "size/flops": found.flops,
        "cost/seconds": bench.cost.seconds,
        "cost/steps": bench.cost.steps,
        "validation/sd": float(scores.double().std(correction=0)),
        "flag/collapsed": float(not moves(scores)),
        "flag/disconnected": float(found.disconnected),
        "size/emptied": len(found.emptied),
        "threshold/sens95/confidence": thresholds["sens95"].confidence or 0.0,
    }
    metrics |= {f"threshold/{name}": value for name, value in values.items()}
    measured = evaluate(validation.labels.numpy(), scores.numpy(), values)
    metrics |= {f"validation/{name}": value for name, value in measured.items()}
    listed = tuple(scores.tolist())
    return replace(base, metrics=metrics, thresholds=thresholds, validation_scores=listed, pruned=pruned)


def score_test(plan: Plan, cell: Cell, store: Store | None = None) -> tuple[Cell, dict[str, float], list[float]]:
    """Return a cell with its test metrics and scores, at the thresholds that validation fixed.

    Metrics and scores are empty where the cell is not done; a cell whose test scores are not finite has diverged.
    """
    if cell.pruned is None:
        return cell, {}, []
    split = test_split(plan.data, plan.store)
    scores = score(cell.pruned.network, split, plan, store or Store(plan.store)).value["scores"]
    if not bool(torch.isfinite(scores).all()):
        return replace(cell, status="diverged", reason="the test scores are not finite", metrics={}), {}, []
    values = {name: threshold.value for name, threshold in cell.thresholds.items()}
    measured = evaluate(split.labels.numpy(), scores.numpy(), values)
    return cell, {f"test/{name}": value for name, value in measured.items()}, scores.tolist()
