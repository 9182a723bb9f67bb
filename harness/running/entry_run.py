"""One entry for one seed, from its W0 to its cells; validation only."""

import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from harness.data.image_split import ImageSplit
from harness.errors import StoreError, UsageError
from harness.evaluation.figures import evaluate
from harness.networks.architecture import Network
from harness.networks.factories import build, parameter_count
from harness.planning.entries import Entry, entry_of
from harness.planning.plan import Plan
from harness.planning.pruners import borrowed, why_skipped
from harness.portable.network_file import compressed, file_content
from harness.pruning.meter import Meter
from harness.pruning.pruned_network import PrunedNetwork
from harness.pruning.pruner import Pruner
from harness.pruning.workbench import TrainingDiverged, Workbench
from harness.results import names
from harness.running.bench import InitialNetworks
from harness.running.cage import StateMoved, unchanged
from harness.running.cell import Cell
from harness.running.inspection import Inspection, inspect
from harness.running.job_process import reason_of
from harness.running.quantising import quantised_file, score_file
from harness.running.read_only import read_only_splits
from harness.running.scoring import fixed_thresholds, score
from harness.running.threshold_figures import threshold_figures
from harness.spans import Part, span
from harness.sparsity.mask import DensityUnreachable
from harness.storage.canonical import canonical_state
from harness.storage.stage import Stage
from harness.storage.store import Store
from harness.training.inference import has_collapsed, spread

UNTRAINED = "the scores did not move before training, so nothing was trained"


class NothingYielded(Exception):  # noqa: N818
    """The method ended before it had given a network for every density; the text is the whole reason."""


@dataclass(frozen=True)
class EntryRun:
    """One entry under a plan for one seed, its stages in ``store``."""

    plan: Plan
    entry: Entry
    seed: int
    store: Store

    def cells(self, densities: Sequence[float]) -> Iterator[Cell]:
        """Yield one cell per density, densest first.

        Whatever the method raises becomes failed cells; `StageBusy`, `StoreError` and interrupts pass through, and what
        goes wrong before the method is imported: that is the machine's or the input's.
        """
        if reason := self.plan.unusable.get(self.entry.text):
            yield from self._alike(densities, status=names.FAILED, reason=reason)
            return
        w0 = self.w0
        try:
            pruner = self.entry.pruner()
            sentence = why_skipped(pruner, w0, trained=self.plan.trained)
            alone = pruner.level_order == "independent"
        except UsageError as error:  # a plugin that cannot be imported fails alone
            yield from self._alike(densities, status=names.FAILED, reason=error.message)
            return
        except Exception as error:
            yield from self._alike(densities, **self._ending(error))
            return
        if sentence:
            yield from self._alike(densities, status=names.SKIPPED, reason=sentence)
            return
        for asked in [[density] for density in densities] if alone else [densities]:
            yield from self._levels(pruner, asked)

    @cached_property
    def w0(self) -> Network:
        """Where every method of this seed starts."""
        return self._initial.w0()

    @property
    def validation(self) -> ImageSplit:
        """The images that cells are scored on."""
        return self._splits[1]

    @cached_property
    def _splits(self) -> tuple[ImageSplit, ImageSplit]:
        with span(Part.DATA):
            return read_only_splits(self.plan.data, self.plan.store, self.seed)

    @cached_property
    def _initial(self) -> InitialNetworks:
        return InitialNetworks(self.plan, self.store, self._splits[0].images, self.seed)

    def _bench(self, meter: Meter, entry: Entry, store: Store) -> Workbench:
        train, validation = self._splits
        bench = Workbench(
            store=store,
            initial=self.w0,
            own=self._initial.own,
            train=train,
            validation=validation,
            schedule=self.plan.training,
            losses=entry.loss,
            seed=self.seed,
            method=entry.method,
            environment=self.plan.environment,
            lend=borrowed,
            meter=meter,
            trained=self.plan.trained,
        )
        store.checks.append(unchanged(bench))
        return bench

    @cached_property
    def _dense_spread(self) -> float:
        """The sd of the plain dense network's validation scores, beside which this entry's are judged.

        The probe is judged by itself: the stronger its penalty, the narrower the scale of a regression's log-odds.
        """
        if self.entry.method == names.PROBE:
            return 0.0
        store = self.store  # a trial's counts
        shared = Store(store.root, wait=store.wait, compute=store.compute, watcher=store.watcher, checks=store.checks)
        try:
            dense = self._bench(Meter(), entry_of(names.DENSE, {}), shared).dense()
        except TrainingDiverged:
            return 0.0
        return spread(score(dense, self.validation, self.plan, shared).value["scores"])

    def _cell(self, density: float, **known: Any) -> Cell:
        return Cell(entry=self.entry, seed=self.seed, density=density, **known)

    def _alike(self, densities: Sequence[float], **known: Any) -> Iterator[Cell]:
        """Yield the same cell for every density: nothing was tried."""
        return (self._cell(density, **known) for density in densities)

    def _ending(self, error: Exception) -> dict[str, str]:
        """Return how the cells of a method that raised end; what it did to its process before is the reason of both."""
        try:
            self.store.check()
        except StateMoved as moved:
            return _ending(moved if not isinstance(error, StoreError) else error)
        return _ending(error)

    def _levels(self, pruner: Pruner, densities: Sequence[float]) -> Iterator[Cell]:
        """Yield the cells of one call of the method; what ends it ends the levels after it too."""
        meter = Meter()
        networks: Iterator[PrunedNetwork] | None = None
        ending: dict[str, str] = {}
        for density in densities:
            if not ending:
                try:
                    networks = networks or iter(
                        pruner.prune(self._bench(meter, self.entry, self.store), tuple(densities))
                    )
                    with span(Part.METHODS):
                        pruned = _next(networks, density)
                    self.store.check()
                except Exception as error:
                    ending = self._ending(error)
            if ending:
                yield self._cell(density, **ending)
                continue
            with span(Part.EVALUATION):
                cell = self._checked(pruner, density, pruned, meter)
            yield cell

    def _checked(self, pruner: Pruner, density: float, pruned: PrunedNetwork, meter: Meter) -> Cell:
        """Return the cell of a yielded network: what rule it breaks, or its sizes and validation figures."""
        try:
            tolerance = pruner.density_tolerance
            found = inspect(pruned, density, parameter_count(self.w0), tolerance, self.plan.data.size)
            if found.faults:
                return self._cell(density, status=names.FAILED, reason="; ".join(found.faults))
            cell = self._measured(density, pruned, found, meter)
            self.store.check()
        except Exception as error:
            return self._cell(density, **self._ending(error))
        return cell

    def _measured(self, density: float, pruned: PrunedNetwork, found: Inspection, meter: Meter) -> Cell:
        untrained = UNTRAINED if meter.untrained else ""
        known = {
            "reason": "; ".join(part for part in (found.collapse, untrained) if part),
            "layers": dict(found.layers),
        }
        network = build(pruned.network.architecture, canonical_state(pruned.network))
        file = self._file(network)
        scored = self._scored(network, file)
        scores = scored.value["scores"]
        if not bool(torch.isfinite(scores).all()):
            known["reason"] = "the validation scores are not finite"
            return self._cell(density, status=names.DIVERGED, **known)
        thresholds = fixed_thresholds(scored, self.validation, self.plan.verdict.sensitivity, self.store)
        values = {name: threshold.value for name, threshold in thresholds.items()}
        measured = evaluate(self.validation.labels.numpy(), scores.numpy(), values, self.plan.verdict)
        metrics = _sizes(found) | {
            names.BYTES: len(compressed(file_content(network) if file is None else file)),
            names.BITS: self.entry.bits,
            names.SECONDS: meter.seconds,
            names.PROCESSOR_SECONDS: meter.processor_seconds,
            names.STEPS: meter.steps,
            **_kept(meter),
            names.SPREAD: spread(scores),
            names.COLLAPSED: float(has_collapsed(scores, self._dense_spread)),
            names.DISCONNECTED: float(found.disconnected),
            **threshold_figures(thresholds),
            **{names.on(names.VALIDATION, name): value for name, value in measured.items()},
        }
        return self._cell(
            density,
            **known,
            metrics=metrics,
            thresholds=thresholds,
            validation_scores=tuple(scores.tolist()),
            pruned=PrunedNetwork(network, pruned.mask),
            file=file,
        )

    def _file(self, network: Network) -> bytes | None:
        """Return the file in int8 of a twin's network, None where the entry is none."""
        if not self.entry.is_quantised:
            return None
        return quantised_file(network, self._splits[0], self.seed, self.plan, self.store)

    def _scored(self, network: Network, file: bytes | None) -> Stage:
        if file is None:
            return score(network, self.validation, self.plan, self.store)
        return score_file(file, self.validation, self.plan, self.store)


def _kept(meter: Meter) -> dict[str, float]:
    if meter.kept_step is None or meter.kept_epoch is None:  # the method has trained nothing
        return {}
    return {names.KEPT_STEP: meter.kept_step, names.KEPT_EPOCH: meter.kept_epoch}


def _sizes(found: Inspection) -> dict[str, float]:
    return {
        names.DENSITY: found.density,
        names.PARAMETERS: found.parameters,
        names.ALIVE: found.alive,
        names.FLOPS: found.flops,
        names.EMPTIED: len(found.emptied),
    }


def _next(networks: Iterator[PrunedNetwork], density: float) -> PrunedNetwork:
    try:
        pruned = next(networks)
    except StopIteration:
        raise NothingYielded(f"the method yielded no network for density {density:g}") from None
    if not (isinstance(pruned, PrunedNetwork) and isinstance(pruned.network, Network)):
        raise TypeError(f"the method yielded {type(pruned).__name__}, not a PrunedNetwork")
    return pruned


def _ending(error: Exception) -> dict[str, str]:
    """Return how the cells of a method that raised end; the store's own error is not the method's and goes on up."""
    if isinstance(error, StoreError):
        raise error
    if isinstance(error, DensityUnreachable):
        return {"status": names.SKIPPED, "reason": str(error)}
    if isinstance(error, TrainingDiverged):
        return {"status": names.DIVERGED, "reason": str(error)}
    if isinstance(error, NothingYielded | StateMoved):
        return {"status": names.FAILED, "reason": str(error)}
    detail = "".join(traceback.format_exception(error))
    return {"status": names.FAILED, "reason": reason_of(error), "detail": detail}
