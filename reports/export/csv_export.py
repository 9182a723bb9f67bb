"""Every cell as CSV, safe to open in a spreadsheet."""

import csv
from typing import Any

import pandas as pd

from harness.reports.analysis.outcomes import FLOPS_LEFT, flops_left
from harness.results.names import Field
from harness.results.reading import Results

# What a spreadsheet takes for the beginning of a formula; tab and return are skipped before it looks.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def to_csv(results: Results) -> str:
    """Return the cells as CSV text, one row per (entry, seed, level), numbers to full precision.

    ``flops_left`` is added, a share of the dense reference's FLOPs; counts by layer are in results.json alone.
    Text that a spreadsheet would run gets a leading apostrophe. Source: OWASP, "CSV Injection".
    """
    frame = results.cells.drop(columns=Field.LAYERS, errors="ignore")
    if len(frame):
        frame = frame.assign(**{FLOPS_LEFT: flops_left(frame)})
    cells = frame.map(_inert)
    cells.columns = pd.Index([_inert(name) for name in cells.columns])
    # Every text in quotes: a bare carriage return would otherwise end the row.
    return str(cells.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC))


def _inert(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA):
        return f"'{value}"
    return value
