"""The one unit of work: `cells` runs one entry for one seed on validation only; `score_test` is separate."""

from collections.abc import Iterator, Sequence

import torch

from harness.data.image_split import ImageSplit
from harness.data.loading import test_split
from harness.evaluation.figures import evaluate
from harness.planning.entries import Entry
from harness.planning.plan import Plan
from harness.results import names
from harness.results.cell_record import CellRecord
from harness.running.cell import Cell
from harness.running.entry_run import EntryRun
from harness.running.quantising import score_file
from harness.running.scoring import score
from harness.spans import Part, span
from harness.storage.store import Store


def cells(
    plan: Plan, entry: Entry, seed: int, densities: Sequence[float], store: Store | None = None
) -> Iterator[Cell]:
    """Yield one cell per density, densest first; validation only.

    ``store`` defaults to the plan's, waiting for stages that another process computes. A method's own failure becomes
    failed cells; `StageBusy`, `MachineError` and interrupts pass through.
    """
    return EntryRun(plan, entry, seed, store or Store(plan.store)).cells(densities)


def score_test(plan: Plan, cell: Cell, store: Store | None = None) -> CellRecord:
    """Return a cell's whole record: with its test metrics and scores, at the thresholds that validation fixed.

    Without them where the cell is not done; a cell whose test scores are not finite has diverged.
    """
    if cell.pruned is None:
        return cell.record()
    with span(Part.DATA):
        split = test_split(plan.data, plan.store)
    with span(Part.EVALUATION):
        return _tested(plan, cell, split, store or Store(plan.store))


def _tested(plan: Plan, cell: Cell, split: ImageSplit, store: Store) -> CellRecord:
    assert cell.pruned is not None
    scored = (
        score(cell.pruned.network, split, plan, store)
        if cell.file is None
        else score_file(cell.file, split, plan, store)
    )
    scores = scored.value["scores"]
    if not bool(torch.isfinite(scores).all()):
        return cell.record(status=names.DIVERGED, reason="the test scores are not finite", metrics={})
    values = {name: threshold.value for name, threshold in cell.thresholds.items()}
    measured = evaluate(split.labels.numpy(), scores.numpy(), values, plan.verdict)
    metrics = {names.on(names.TEST, name): value for name, value in measured.items()}
    return cell.record(metrics={**cell.metrics, **metrics}, test_scores=tuple(scores.tolist()))
