"""The results of one experiment as tables: what the reports read."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

__all__ = ["Results"]


@dataclass(frozen=True)
class Results:
    """Everything that was measured on one data set, finished or not.

    ``experiment`` is the data set's name.

    ``cells`` has one row per (entry, seed, level): run_id, group, entry (canonical text; "dense" is the
    plain-loss reference at density 1), method, loss, seed, density (asked), status ("done", "failed",
    "diverged", "skipped"), reason, then the metrics by name ("test/auc", ...), NaN where the cell is not
    done.

    ``scores`` has one row per (entry, seed, level, split, image) of the cells that are done: run_id, entry,
    seed, density, split ("validation", "test"), id, label (1 = positive), score.

    ``groups`` gives the provenance of each group by id; results of two groups never share a table.
    """

    experiment: str
    cells: pd.DataFrame
    scores: pd.DataFrame
    groups: dict[str, dict[str, Any]]
