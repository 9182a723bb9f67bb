"""The one unit of work: `cells` runs one entry for one seed on validation only; `score_test` is separate."""

import math
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from harness.canonical import canonical_state
from harness.data import test_split, training_splits
from harness.entries import Entry
from harness.errors import MachineError, UsageError
from harness.images import ImageSplit
from harness.inference import moves
from harness.initial import features_from_file, initial_network
from harness.inspection import inspect
from harness.loss import schedule_named
from harness.metrics import evaluate
from harness.networks import Architecture, Network, build, parameter_count
from harness.plan import Plan
from harness.pretraining import pretrained_features
from harness.pruner import PrunedNetwork, Pruner
from harness.scoring import fixed_thresholds, score
from harness.store import StageBusy, Store
from harness.thresholds import Threshold
from harness.workbench import TrainingDiverged, Workbench


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One entry at one level for one seed: what came out, on validation.

    ``status``: done, failed, diverged or skipped, with the ``reason`` in words. ``metrics`` by the names of
    docs/results.md. ``thresholds`` were fixed on validation and stored before this cell existed.
    """

    entry: Entry
    seed: int
    density: float
    status: str
    reason: str = ""
    detail: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    thresholds: dict[str, Threshold] = field(default_factory=dict)
    validation_scores: tuple[float, ...] = ()
    pruned: PrunedNetwork | None = None


def _features(plan: Plan, store: Store) -> dict[str, torch.Tensor] | None:
    architecture = Architecture(plan.network)
    if plan.weights == "kaiming":
        return None
    if plan.weights_file is not None:
        return features_from_file(Path(plan.weights_file), architecture)
    return pretrained_features(store, architecture, plan.pretraining, plan.data.size, plan.environment)


def bench_of(plan: Plan, entry: Entry, seed: int, store: Store) -> tuple[Workbench, Network, ImageSplit]:
    """Return an entry's workbench, its W0, and the validation split that its cells are scored on."""
    train, validation = training_splits(plan.data, plan.store)
    features = _features(plan, store)
    initial = initial_network(store, Architecture(plan.network), features, train.images, seed)
    bench = Workbench(
        store=store,
        initial=initial,
        train=train,
        validation=validation,
        schedule=plan.training,
        losses=schedule_named(entry.loss),
        seed=seed,
        method=entry.method,
        environment=plan.environment,
    )
    return bench, initial, validation


def cells(plan: Plan, entry: Entry, seed: int, densities: Sequence[float], store: Store) -> Iterator[Cell]:
    """Yield one cell per density, densest first; validation only.

    A method's own failure becomes failed cells; `StageBusy`, `MachineError` and interrupts pass through.
    """
    try:
        pruner = entry.pruner()
    except UsageError as error:  # a plugin that cannot be imported fails alone
        yield from (Cell(entry=entry, seed=seed, density=d, status="failed", reason=error.message) for d in densities)
        return
    bench, initial, validation = bench_of(plan, entry, seed, store)
    if sentence := pruner.skip(initial):
        yield from (Cell(entry=entry, seed=seed, density=d, status="skipped", reason=sentence) for d in densities)
        return
    groups = [[d] for d in densities] if pruner.levels == "independent" else [list(densities)]
    for wanted in groups:
        for density, outcome in _outcomes(pruner, bench, wanted):
            if isinstance(outcome, PrunedNetwork):
                yield _measured(plan, entry, seed, density, outcome, bench, initial, validation, store)
            else:
                yield replace(outcome, entry=entry, seed=seed, density=density)


def _outcomes(
    pruner: Pruner, bench: Workbench, densities: Sequence[float]
) -> Iterator[tuple[float, PrunedNetwork | Cell]]:
    """Yield each density with the network that the method gives for it, or with the failure that took its place."""
    generator = pruner.prune(bench, tuple(densities))
    failure: Cell | None = None
    for density in densities:
        if failure is None:
            try:
                yield density, next(generator)
                continue
            except StopIteration:
                failure = _failure("failed", f"the method yielded no network for density {density:g}")
            except TrainingDiverged as error:
                failure = _failure("diverged", str(error))
            except (StageBusy, MachineError):
                raise
            except MemoryError as error:
                raise MachineError("out of memory", fix="use fewer --jobs or smaller images") from error
            except Exception as error:
                failure = _failure("failed", f"{type(error).__name__}: {error}", traceback.format_exc())
        yield density, failure


def _failure(status: str, reason: str, detail: str = "") -> Cell:
    blank = Entry("", "", (), "")
    return Cell(entry=blank, seed=0, density=math.nan, status=status, reason=reason, detail=detail)


def _measured(
    plan: Plan,
    entry: Entry,
    seed: int,
    density: float,
    pruned: PrunedNetwork,
    bench: Workbench,
    initial: Network,
    validation: ImageSplit,
    store: Store,
) -> Cell:
    untrained = "the scores did not move before training, so nothing was trained" if bench.dead else ""
    base = Cell(entry=entry, seed=seed, density=density, status="done", reason=untrained)
    dense_parameters = parameter_count(initial)
    found = inspect(pruned, density, dense_parameters, entry.pruner().density_tolerance, plan.data.size)
    if found.faults:
        return replace(base, status="failed", reason="; ".join(found.faults))
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
        "threshold/sens95/confidence": thresholds["sens95"].confidence or 0.0,
    }
    metrics |= {f"threshold/{name}": value for name, value in values.items()}
    measured = evaluate(validation.labels.numpy(), scores.numpy(), values)
    metrics |= {f"validation/{name}": value for name, value in measured.items()}
    listed = tuple(scores.tolist())
    return replace(base, metrics=metrics, thresholds=thresholds, validation_scores=listed, pruned=pruned)


def score_test(plan: Plan, cell: Cell, store: Store) -> tuple[Cell, dict[str, float], list[float]]:
    """Return a cell with its test metrics and scores, at the thresholds that validation fixed.

    Metrics and scores are empty where the cell is not done; a cell whose test scores are not finite has diverged.
    """
    if cell.pruned is None:
        return cell, {}, []
    split = test_split(plan.data, plan.store)
    scores = score(cell.pruned.network, split, plan, store).value["scores"]
    if not bool(torch.isfinite(scores).all()):
        return replace(cell, status="diverged", reason="the test scores are not finite", metrics={}), {}, []
    values = {name: threshold.value for name, threshold in cell.thresholds.items()}
    measured = evaluate(split.labels.numpy(), scores.numpy(), values)
    return cell, {f"test/{name}": value for name, value in measured.items()}, scores.tolist()
