"""Results for a notebook: tidy tables, one row a thing."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from harness.errors import UsageError
from harness.outgoing.secrets import shown_address
from harness.results.address import results_uri
from harness.results.names import Field
from harness.results.reading import Results, experiments, read
from harness.storage.mirror import store_folder

LAYER_COLUMNS = ("layer", "left", "alive", "total")


@dataclass(frozen=True)
class Frames:
    """Everything that was measured on one ``dataset``. docs/metrics.md explains every column.

    ``cells``: a row for each (group, entry, seed, fold, density), its metrics by name, NaN where it is not done.
    ``scores``: a row for each image of the cells that are done, of validation and test. ``layers``: a row for each
    layer of each cell whose weights were counted. ``groups``: the provenance of each group by its id; results of two
    groups are not to be compared. ``damage``: what of the results could not be read.
    """

    dataset: str
    cells: pd.DataFrame
    scores: pd.DataFrame
    layers: pd.DataFrame
    groups: Mapping[str, Mapping[str, Any]]
    damage: tuple[str, ...] = ()


def load(dataset: str, *, store: str | Path = "harness-store", tracking_uri: str | None = None) -> Frames:
    """Return the results of ``dataset`` in a ``store`` (a folder, or an address), or at the server ``tracking_uri``.

    Raises `UsageError` where there are none, and `MachineError` where MLflow does not answer.
    """
    folder = store_folder(store).absolute()
    uri = results_uri(folder, tracking_uri)
    results = read(uri, folder, dataset)
    if results.cells.empty:
        held = ", ".join(experiments(uri, folder)) or "none"
        raise UsageError(
            f"no results of {dataset!r} in MLflow at {shown_address(uri)}; it holds {held}",
            fix=f"name one of these, or first: harness run --dataset {dataset}",
        )
    return frames(results)


def frames(results: Results) -> Frames:
    """Return results as tidy tables."""
    return Frames(
        dataset=results.experiment,
        cells=results.cells.drop(columns=Field.LAYERS),
        scores=_scores(results),
        layers=_layers(results.cells),
        groups=results.groups,
        damage=results.damage,
    )


_CELL = [Field.GROUP, Field.ENTRY, Field.SEED, Field.FOLD, Field.DENSITY]


def _scores(results: Results) -> pd.DataFrame:
    """Return the scores with the group and the fold of their run."""
    columns = [*_CELL, Field.SPLIT, Field.IMAGE, Field.LABEL, Field.SCORE]
    if results.scores.empty:
        return pd.DataFrame(columns=columns)
    runs = results.cells[[Field.RUN, Field.GROUP, Field.FOLD]].drop_duplicates(Field.RUN)
    found = results.scores.merge(runs, on=Field.RUN, validate="many_to_one")[columns]
    # Beside the table of a failed cell, which is empty, numbers are objects.
    return found.astype({Field.SEED: "int64", Field.LABEL: "int64"})


def _layers(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the weights of each layer, in the order of `LAYER_COLUMNS`."""
    rows = [
        [*key, layer, *counts]
        for *key, layers in cells[[*_CELL, Field.LAYERS]].itertuples(index=False)
        if isinstance(layers, Mapping)
        for layer, counts in layers.items()
    ]
    found = pd.DataFrame(rows, columns=[*_CELL, *LAYER_COLUMNS])
    return found.astype({Field.FOLD: cells[Field.FOLD].dtype})
