"""From the bytes of a label file to numbered rows of cells: encoding, line ends, delimiter, quotes, header."""

import codecs
import csv
import re
from collections import Counter
from dataclasses import dataclass

from harness.datasets.own_images import SPLIT_NAMES, is_image

COLUMNS = ("path", "label", "split", "group")
"""What a row may have, in this order where no header gives another."""

_CALLED = {
    **dict.fromkeys(("path", "file", "filename", "file_name", "filepath", "file_path"), "path"),
    **dict.fromkeys(("image", "image_path", "imagepath"), "path"),
    **dict.fromkeys(("label", "class", "target"), "label"),
    **dict.fromkeys(("split", "subset", "partition"), "split"),
    **dict.fromkeys(("group", "patient", "patient_id", "subject", "lesion_id"), "group"),
}
_DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
_BOMS = (  # of four bytes first: the mark of UTF-32 begins as that of UTF-16 does
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class TableError(ValueError):
    """The file cannot be read as one table: why."""


@dataclass(frozen=True)
class Table:
    """The rows of a label file: (line number, cell by column), each with a path and a label that may be empty.

    ``unused`` are the header's other columns; ``faults`` are of single lines, which are then no rows.
    """

    rows: list[tuple[int, dict[str, str]]]
    unused: list[str]
    faults: list[tuple[int, str]]


def read_table(content: bytes) -> Table:
    """Return the rows of a label file. Raises `TableError` where it cannot be known what they are."""
    lines = _lines(content)
    if not lines:
        raise TableError("it is empty")
    delimiter = _delimiter([text for _, text in lines])
    cells, faults = _cells(lines, delimiter)
    if not cells:
        return Table([], [], faults)
    header = _header(cells[0][1])
    names = header or _usual([row for _, row in cells])
    expected = f"where {'the header has' if header else 'most lines have'} {len(names)}"
    rows = []
    for number, row in cells[1:] if header else cells:
        if len(row) == len(names):
            rows.append((number, {name: cell for name, cell in zip(names, row, strict=True) if name in COLUMNS}))
        else:
            faults.append((number, f"{len(row)} columns, {expected}"))
    return Table(rows, [name for name in names if name and name not in COLUMNS], faults)


def _lines(content: bytes) -> list[tuple[int, str]]:
    """Return the lines that are not empty, with their numbers, from any encoding that the bytes tell of."""
    encoding = next((name for mark, name in _BOMS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise TableError(
            f"line {line}: not text in {encoding.upper().removesuffix('-SIG')} (byte {error.start}): save it as UTF-8"
        ) from None
    if "\0" in text:
        raise TableError("it has zero bytes: it is no text, or UTF-16 without its mark; save it as UTF-8")
    numbered = enumerate(re.split("\r\n|\r|\n", text), start=1)
    return [(number, line) for number, line in numbered if line.strip()]


def _delimiter(lines: list[str]) -> str:
    """Return what parts the cells: what makes a header of the first line, else what is in every line."""
    headed = [sign for sign in _DELIMITERS if {"path", "label"} <= {*_columns(_parsed(lines[0], sign) or [])}]
    everywhere = [sign for sign in _DELIMITERS if all(sign in line for line in lines)]
    found = headed or everywhere or [sign for sign in _DELIMITERS if sign in lines[0]]
    if not found:
        raise TableError(f"its first line has no delimiter ({', '.join(_DELIMITERS.values())}): {lines[0][:100]!r}")
    if len(found) > 1:
        either = " or ".join(_DELIMITERS[sign] for sign in found)
        raise TableError(f"what parts its columns may be {either}: begin it with a header such as path,label")
    return found[0]


def _cells(lines: list[tuple[int, str]], delimiter: str) -> tuple[list[tuple[int, list[str]]], list[tuple[int, str]]]:
    """Return the cells of each line, without blanks around them, and the lines whose quotes are wrong."""
    parsed = [(number, _parsed(line, delimiter)) for number, line in lines]
    faults = [(number, "its quotes do not match") for number, row in parsed if row is None]
    return [(number, row) for number, row in parsed if row is not None and any(row)], faults


def _parsed(line: str, delimiter: str) -> list[str] | None:
    try:
        (row,) = csv.reader([line], delimiter=delimiter, strict=True, skipinitialspace=True)
    except csv.Error:
        return None
    return [cell.strip() for cell in row]


def _columns(row: list[str]) -> list[str]:
    """Return which columns a header's cells name; a cell that names none of ours stays."""
    return [_CALLED.get(cell.casefold(), cell) for cell in row]


def _header(row: list[str]) -> list[str] | None:
    """Return the columns that the first row names, None where it is no header."""
    names = _columns(row)
    ours = [name for name in names if name in COLUMNS]
    if any(is_image(cell) for cell in row) or not ours:
        return None
    shown = ", ".join(row)
    for name in ("path", "label"):
        if name not in ours:
            called = ", ".join(other for other, meant in _CALLED.items() if meant == name)
            raise TableError(f"its first line is a header ({shown}) without a column {name} (also called {called})")
    if len({*ours}) < len(ours):
        raise TableError(f"its header names a column twice: {shown}")
    return names


def _usual(rows: list[list[str]]) -> list[str]:
    """Return the columns of a file without a header: path,label[,split][,group]."""
    ((count, _),) = Counter(map(len, rows)).most_common(1)
    rows = [row for row in rows if len(row) == count]
    if not 2 <= count <= len(COLUMNS):
        raise TableError(f"it has {count} columns and no header: begin it with one that names path and label")
    if all(is_image(row[1]) and not is_image(row[0]) for row in rows):
        raise TableError("it has no header, and its second column is the images: begin it with label,path")
    if count > 2 and not any(row[2].casefold() in SPLIT_NAMES for row in rows):
        raise TableError(
            "it has no header, and its third column has no split (train, validation, test): begin it with a header"
            " that says what it is, such as path,label,group"
        )
    return list(COLUMNS[:count])
