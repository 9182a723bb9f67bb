"""Every cell as CSV, safe to open in a spreadsheet."""

import csv
import re
import unicodedata
from typing import Any

import pandas as pd

from harness.reports.analysis.outcomes import FLOPS_LEFT, flops_left
from harness.reports.formatting import shown
from harness.results.names import Field
from harness.results.reading import Results

# What a spreadsheet takes for the beginning of a formula, behind blanks too; some end a cell at a semicolon.
FORMULA = re.compile(r"(?:^|[;|])(?= *[=+\-@])")


def to_csv(results: Results) -> str:
    """Return the cells as CSV text, one row per (entry, seed, level), numbers to full precision.

    ``flops_left`` is added, a share of the dense reference's FLOPs; counts by layer are in results.json alone.
    Text is `shown`, so that nothing hides in it; what a spreadsheet would run gets an apostrophe in front. Source:
    OWASP, "CSV Injection".
    """
    frame = results.cells.drop(columns=Field.LAYERS, errors="ignore")
    if len(frame):
        frame = frame.assign(**{FLOPS_LEFT: flops_left(frame)})
    return csv_text(frame)


def csv_text(frame: pd.DataFrame) -> str:
    """Return a table as CSV text that does nothing in a spreadsheet, numbers to full precision."""
    cells = frame.map(inert)
    cells.columns = pd.Index([inert(name) for name in cells.columns])
    # Every text in quotes: a bare carriage return would otherwise end the row.
    return str(cells.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC))


def inert(value: Any) -> Any:
    """Return a text in which nothing hides and that no spreadsheet runs; any other value as it is."""
    return _not_run(shown(value)) if isinstance(value, str) else value


def _not_run(text: str) -> str:
    # Full-width and small signs run, too: each of them has one letter as its plain form, so that the places agree.
    plain = "".join(unicodedata.normalize("NFKC", char)[:1] for char in text)
    for found in reversed([*FORMULA.finditer(plain)]):
        text = f"{text[: found.end()]}'{text[found.end() :]}"
    return text
