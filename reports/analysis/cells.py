"""Results as plain values: one `Cell` per (entry, seed, level), with its test scores."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.reports.formatting import visible
from harness.results.reading import Results

TEXTS = {"group", "entry", "method", "loss", "loss_changes", "plain", "status", "reason"}
"""The columns that are read as text: neither a metric nor a number that names a cell."""

KEY = ["run_id", "entry", "seed", "density"]


@dataclass(frozen=True, eq=False)
class Cell:
    """One network asked for; when done with its test ``labels`` and ``scores`` (N,), in order of image id.

    ``plain`` is the entry's name under the plain loss. ``loss_changes``: its own loss has another gamma after the first
    round, so that its pruned networks had another loss than its dense one. ``flops_left`` is a share of the dense
    reference's FLOPs, NaN where not known. ``layers`` holds (left, alive, total) weights by parameter name, empty where
    not known.
    """

    group: str
    entry: str
    method: str
    loss: str
    plain: str
    seed: int
    density: float
    status: str
    reason: str
    metrics: Mapping[str, float]
    loss_changes: bool = False
    flops_left: float = math.nan
    layers: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    labels: npt.NDArray[np.int64] | None = None
    scores: npt.NDArray[np.float64] | None = None

    @property
    def done(self) -> bool:
        """Say whether the cell was trained and scored."""
        return self.status == "done"

    @property
    def collapsed(self) -> bool:
        """Say whether the network gives every image nearly the same score."""
        return self.metric("flag/collapsed") > 0

    @property
    def disconnected(self) -> bool:
        """Say whether no path leads from the network's input to its output."""
        return self.metric("flag/disconnected") > 0

    @property
    def emptied(self) -> bool:
        """Say whether a layer has no weight left."""
        return self.metric("size/emptied") > 0

    def metric(self, name: str) -> float:
        """Return a metric, NaN where it is not known."""
        return self.metrics.get(name, math.nan)


def read_cells(results: Results) -> list[Cell]:
    """Return every cell.

    Raises `ValueError` where done cells of one group saw different test images, a cell is there twice, its
    group has no provenance, or it is done and has no test scores.
    """
    images = _images(results.scores)
    frame = results.cells.assign(flops_left=flops_left(results.cells)) if len(results.cells) else results.cells
    cells = [_cell(row, images) for row in frame.to_dict("records")]
    for group in results.groups:
        seen = {ids for cell, ids in cells if cell.group == group and cell.done}
        if len(seen) > 1:
            raise ValueError(f"group {group!r}: its cells were scored on different test images")
    unknown = {cell.group for cell, _ in cells} - set(results.groups)
    if unknown:
        raise ValueError(f"no provenance for the groups {sorted(unknown)}")
    asked = [(cell.group, cell.entry, cell.seed, cell.density) for cell, _ in cells]
    if len(set(asked)) < len(asked):
        raise ValueError(f"twice the same cell: {next(key for key in asked if asked.count(key) > 1)}")
    return [cell for cell, _ in cells]


def _images(scores: pd.DataFrame) -> dict[tuple[Any, ...], pd.DataFrame]:
    """Return the test scores of each cell, sorted by image."""
    if scores.empty:
        return {}
    test = scores[scores["split"] == "test"].sort_values("id")
    return {_key(key): rows for key, rows in test.groupby(KEY, sort=False)}


def _key(values: Any) -> tuple[Any, ...]:
    run, entry, seed, density = values
    return str(run), str(entry), int(seed), round(float(density), 9)


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value)  # NaN is pandas's word for missing text


def _cell(row: Mapping[Any, Any], images: Mapping[tuple[Any, ...], pd.DataFrame]) -> tuple[Cell, Any]:
    """Return the cell and what identifies its images: ids and labels."""
    numbers = {
        str(name): float(value)
        for name, value in row.items()
        if name not in TEXTS and isinstance(value, int | float | np.number)
    }
    left = numbers.pop("flops_left")
    texts = {name: _text(row.get(name)) for name in TEXTS}
    changes = texts.pop("loss_changes") == str(True)
    texts["plain"] = texts["plain"] or texts["entry"]
    layers = row.get("layers")
    found = images.get(_key([row[name] for name in KEY]))
    if texts["status"] == "done" and found is None:
        raise ValueError(f"{texts['entry']}, seed {row['seed']}, density {row['density']}: no test scores")
    labels = None if found is None else found["label"].to_numpy(dtype=np.int64)
    scores = None if found is None else found["score"].to_numpy(dtype=np.float64)
    cell = Cell(
        **texts,
        seed=int(row["seed"]),
        density=float(row["density"]),
        metrics=numbers,
        loss_changes=changes,
        flops_left=left,
        layers={str(name): tuple(counts) for name, counts in layers.items()} if isinstance(layers, Mapping) else {},
        labels=labels,
        scores=scores,
    )
    return cell, None if found is None else (tuple(found["id"]), tuple(found["label"]))


FLOPS = "size/flops"


def flops_left(cells: pd.DataFrame) -> pd.Series:
    """Return each cell's FLOPs as a share of the dense reference's of its group and seed; NaN where one is unknown.

    ``cells`` as in `harness.results.reading.Results`. A network of another design, such as a MobileNet, may be above 1.
    """
    if FLOPS not in cells:
        return pd.Series(math.nan, index=cells.index, name="flops_left")
    dense = cells[(cells["entry"] == "dense") & (cells["density"] == 1) & (cells[FLOPS] > 0)]
    reference = {
        (group, seed): flops for group, seed, flops in zip(dense["group"], dense["seed"], dense[FLOPS], strict=True)
    }
    whole = [reference.get(run, math.nan) for run in zip(cells["group"], cells["seed"], strict=True)]
    return (cells[FLOPS] / whole).rename("flops_left")


def absent(cells: Sequence[Cell], seeds: Sequence[int]) -> list[str]:
    """Say which of the ``seeds`` are missing or collapsed in one entry at one level, one text per cause."""
    causes: dict[str, list[int]] = {}
    for seed in seeds:
        cell = next((cell for cell in cells if cell.seed == seed), None)
        cause = "not run" if cell is None else "collapsed" if cell.done and cell.collapsed else cell.status
        if cause != "done":
            causes.setdefault(cause, []).append(seed)
    return [
        f"{visible(cause)} in seed{'s' if len(own) > 1 else ''} {', '.join(map(str, own))}"
        for cause, own in causes.items()
    ]
