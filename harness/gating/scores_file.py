"""Scores from a CSV file that anybody may have written: every fault of it is told at once, with its line."""

import csv
import io
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from harness.errors import DataError
from harness.gating.scored import SHOWN, Scored
from harness.results.names import TEST, Field

COLUMNS = (Field.IMAGE, Field.LABEL, Field.SCORE)
LARGEST = 1e100
"""Of a score: squares of larger ones are no numbers any more."""

MOST_BYTES = 1 << 30
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_FIX = (
    f"write a CSV file in UTF-8 with the columns {', '.join(COLUMNS)}, a line an image, label 1 = the class not to miss"
)


class _Row(NamedTuple):
    line: int
    image: str
    label: int
    score: float


def read_scores(path: Path, name: str | None = None, cut: float | None = None) -> Scored:
    """Return the scores of a CSV file with the columns id, label and score; where there is a ``split``, those of test.

    Other columns are left alone. Raises `DataError` with every fault.
    """
    faults: list[str] = []
    rows = list(_rows(path, faults))
    first: dict[str, _Row] = {}
    for row in rows:
        if (before := first.setdefault(row.image, row)) is not row:
            faults.append(f"line {row.line}: {row.image} is there already, in line {before.line}")
    labels = {row.label for row in rows}
    if not faults and len(labels) < 2:
        what = "no image" if not rows else "no positive" if labels == {0} else "no negative"
        faults.append(f"there is {what}{f' of the split {TEST}' if not rows else ''}")
    if faults:
        more = len(faults) - SHOWN
        shown = [*faults[:SHOWN], *([f"and {more} more faults"] if more > 0 else [])]
        raise DataError(f"{path} cannot be used as scores", faults=shown, fix=_FIX)
    return Scored(
        name or path.name,
        {row.image: row.label for row in rows},
        {row.image: row.score for row in rows},
        cut,
        told={"scores": str(path)},
    )


def _rows(path: Path, faults: list[str]) -> Iterator[_Row]:
    """Yield the rows that are right, and note what is wrong with the others."""
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        head = [name.strip() for name in next(reader, [])]
        if fault := _fault_of_head(head):
            faults.append(fault)
            return
        for cells in reader:
            if cells and (row := _row(dict(zip(head, cells, strict=False)), len(head), cells, reader.line_num, faults)):
                yield row
    except csv.Error as error:
        faults.append(f"line {reader.line_num}: {error}")


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataError(f"{path} has more than {MOST_BYTES:,} bytes", fix=_FIX)
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}", fix="name a file of scores") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8: byte {error.start}", fix=_FIX) from error


def _fault_of_head(head: list[str]) -> str:
    if not head:
        return "it is empty"
    twice = sorted({name for name in head if name in (*COLUMNS, Field.SPLIT) and head.count(name) > 1})
    if twice:
        return f"line 1: the column {twice[0]} is there twice"
    absent = [name for name in COLUMNS if name not in head]
    other = next((sign for sign in (";", "\t") if any(sign in name for name in head)), None)
    apart = f"; columns are separated by commas, not by {other!r}" if other and absent else ""
    return f"line 1: there is no column {' and no '.join(absent)}{apart}" if absent else ""


def _row(told: dict[str, str], width: int, cells: list[str], line: int, faults: list[str]) -> _Row | None:
    """Return one row, None where it is of another split or wrong."""
    if len(cells) != width:
        faults.append(f"line {line}: {len(cells)} cells, where the first line has {width}")
        return None
    if told.get(Field.SPLIT, TEST) != TEST:
        return None
    image, label, score = told[Field.IMAGE], told[Field.LABEL].strip(), told[Field.SCORE].strip()
    value = float(score) if _NUMBER.fullmatch(score) else math.nan
    wrong = [
        *([] if image.strip() else ["the id is empty"]),
        *([] if label in ("0", "1", "0.0", "1.0") else [f"the label {label[:40]!r} is neither 0 nor 1"]),
        *([] if abs(value) <= LARGEST else [f"the score {score[:40]!r} is no number from -1e100 to 1e100"]),
    ]
    faults += [f"line {line}: {one}" for one in wrong]
    return None if wrong else _Row(line, image, int(label[0]), value)
