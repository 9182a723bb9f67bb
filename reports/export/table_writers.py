"""Tables as LaTeX, Markdown and CSV, in which no name does harm."""

import re

import pandas as pd

from harness.reports.export.csv_export import csv_text
from harness.reports.export.formats import TableFormat
from harness.reports.export.table import Figure, Table, flat, text_of
from harness.reports.formatting import shown

ENDINGS = {TableFormat.LATEX: "tex", TableFormat.MARKDOWN: "md", TableFormat.CSV: "csv"}


def written(table: Table, kind: TableFormat) -> str:
    """Return a table as text of a kind. In CSV a figure with an interval is three columns, to full precision."""
    if kind == TableFormat.CSV:
        titles, rows = flat(table)
        return csv_text(pd.DataFrame(rows, columns=titles))
    texts = [[text_of(cell, head) for cell, head in zip(row, table.heads, strict=True)] for row in table.rows]
    return _latex(table, texts) if kind == TableFormat.LATEX else _markdown(table, texts)


def _latex(table: Table, texts: list[list[str]]) -> str:
    frame = pd.DataFrame(
        [[latex(text) for text in row] for row in texts], columns=[latex(head.title) for head in table.heads]
    )
    right = [any(isinstance(row[place], Figure) for row in table.rows) for place in range(len(table.heads))]
    body = frame.to_latex(
        index=False,
        escape=False,
        caption=latex(table.caption),
        label=f"tab:{table.name}",
        column_format="".join("r" if one else "l" for one in right),
    )
    return f"% Needs \\usepackage{{booktabs}}.\n{body}"


_LATEX = {
    **{char: f"\\{char}" for char in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\char34{}",
    "\N{MINUS SIGN}": "$-$",
    "\N{EN DASH}": "--",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{HORIZONTAL ELLIPSIS}": r"\dots{}",
    # Behind a line's end a bracket would be its argument, a star a command of its own.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
}


def latex(text: str) -> str:
    """Return a text that LaTeX sets as it is; a letter beyond those of western Europe is told by its number."""
    return "".join(_LATEX.get(char) or (char if ord(char) < 0x180 else f"U+{ord(char):04X}") for char in shown(text))


def _markdown(table: Table, texts: list[list[str]]) -> str:
    titles = [markdown(head.title) for head in table.heads]
    lines = [titles, ["---"] * len(titles), *([markdown(text) for text in row] for row in texts)]
    return f"{markdown(table.caption)}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def markdown(text: str) -> str:
    """Return a text that Markdown shows as it is: no link, picture, markup or further cell is in it."""
    return re.sub(r"([\\`*_{}\[\]<>|!#&~$])", r"\\\1", shown(text))
