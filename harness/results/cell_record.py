"""A cell as plain values: what a worker hands to its parent, what MLflow keeps, and what the reports read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.results.names import DONE

Layers = Mapping[str, tuple[int, int, int]]
"""(left, alive, total) weights by parameter name."""


@dataclass(frozen=True, kw_only=True)
class CellRecord:
    """One network asked for, at one ``density``, and what came of it.

    ``status``: done, failed, diverged or skipped, with the ``reason`` in words. ``metrics`` by the names of
    docs/metrics.md. Scores are one an image, in the order of the split. ``mask`` holds packed bits by parameter name.
    """

    density: float
    status: str = DONE
    reason: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    layers: Layers = field(default_factory=dict)
    validation_scores: tuple[float, ...] = ()
    test_scores: tuple[float, ...] = ()
    mask: Mapping[str, Any] = field(default_factory=dict)

    @property
    def step(self) -> int:
        """The cell's MLflow step: sparsity in parts per million, so that the latest value is the sparsest."""
        return step_of(self.density)

    def to_json(self) -> dict[str, Any]:
        """Return what cell.json holds: all but scores and mask, which have files of their own."""
        named = {"density": self.density, "status": self.status, "reason": self.reason, "metrics": dict(self.metrics)}
        return {**named, "layers": dict(self.layers)} if self.layers else named

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "CellRecord":
        """Return the record that `to_json` wrote, without scores and mask."""
        layers = {name: (left, alive, total) for name, (left, alive, total) in value.get("layers", {}).items()}
        named = {name: value[name] for name in ("density", "status", "reason", "metrics")}
        return cls(**named, layers=layers)


def step_of(density: float) -> int:
    """Return sparsity in parts per million."""
    return round((1 - density) * 1_000_000)
