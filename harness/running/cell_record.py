"""A cell as plain values: what a worker hands to its parent and what the tracker writes."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harness.running.cells import Cell
from harness.sparsity.mask import Mask


@dataclass(frozen=True, kw_only=True)
class CellRecord:
    """One finished cell, picklable and JSON-able but for ``mask``: packed bits by parameter name."""

    density: float
    status: str
    reason: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    validation_scores: tuple[float, ...] = ()
    layers: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    test_scores: tuple[float, ...] = ()
    mask: dict[str, Any] = field(default_factory=dict)

    @property
    def step(self) -> int:
        """The cell's MLflow step: sparsity in parts per million, so that the latest value is the sparsest."""
        return step_of(self.density)


def step_of(density: float) -> int:
    """Return sparsity in parts per million."""
    return round((1 - density) * 1_000_000)


def record_of(cell: Cell, test_metrics: dict[str, float], test_scores: list[float]) -> CellRecord:
    """Return the record of a cell and its test figures (empty where the cell is not done)."""
    mask = cell.pruned.mask if cell.pruned else None
    return CellRecord(
        density=cell.density,
        status=cell.status,
        reason=cell.reason,
        metrics={**cell.metrics, **test_metrics},
        layers=cell.layers,
        validation_scores=cell.validation_scores,
        test_scores=tuple(test_scores),
        mask=packed(mask) if mask is not None and mask.pruned else {},
    )


def packed(mask: Mask) -> dict[str, Any]:
    """Return the mask as one bit a weight in row-major order, by parameter name."""
    return {name: np.packbits(tensor.numpy().ravel()) for name, tensor in mask.items()}
