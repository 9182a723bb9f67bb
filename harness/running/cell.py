"""A cell in the process that makes it: its record, and the network that it is about."""

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from harness.evaluation.thresholds import Threshold
from harness.planning.entries import Entry
from harness.pruning.pruned_network import PrunedNetwork
from harness.results.cell_record import CellRecord
from harness.sparsity.mask import Mask


@dataclass(frozen=True, kw_only=True)
class Cell(CellRecord):
    """One entry at one level for one seed: what came out, on validation.

    ``detail`` is the traceback of a failure. ``thresholds`` were fixed on validation and stored before this cell
    existed. ``pruned`` is None unless the cell is done. ``file`` is the ONNX file of its network in int8, None where
    the network itself was scored.
    """

    entry: Entry
    seed: int
    detail: str = ""
    thresholds: dict[str, Threshold] = field(default_factory=dict)
    pruned: PrunedNetwork | None = None
    file: bytes | None = None

    def record(self, **changes: Any) -> CellRecord:
        """Return what leaves this process, with ``changes`` of its fields."""
        mask = self.pruned.mask if self.pruned else None
        plain = {one.name: getattr(self, one.name) for one in fields(CellRecord)}
        return CellRecord(**{**plain, "mask": packed_bits(mask) if mask and mask.pruned else {}, **changes})


def packed_bits(mask: Mask) -> dict[str, Any]:
    """Return the mask as one bit a weight in row-major order, by parameter name."""
    return {name: np.packbits(tensor.numpy().ravel()) for name, tensor in mask.items()}
