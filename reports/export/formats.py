"""As what figures and tables are written. Nothing is imported, so that a command line can name them at once."""

from enum import StrEnum


class FigureFormat(StrEnum):
    """As what a figure may be written."""

    SVG = "svg"
    PDF = "pdf"
    PNG = "png"


class TableFormat(StrEnum):
    """As what a table may be written."""

    LATEX = "latex"
    MARKDOWN = "markdown"
    CSV = "csv"
