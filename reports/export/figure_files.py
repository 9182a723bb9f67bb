"""Charts as files for a paper: as wide as its column and as its page, on white."""

from collections.abc import Iterator

from harness.reports.charts.chart import Chart
from harness.reports.charts.still import svg
from harness.reports.export.formats import FigureFormat

COLUMN, PAGE = 3.4, 7.0
"""Widths in inches."""

PIXELS, POINTS, DOTS = 96, 72, 300
"""Of an inch: on a screen, in print, in a picture of dots."""


def figure_files(chart: Chart, kind: FigureFormat) -> Iterator[tuple[str, bytes]]:
    """Return the names and contents of a chart's two files: ``NAME.pdf``, a page wide, and ``NAME-column.pdf``.

    Letters are 9 points high in both. A PNG has 300 dots an inch and says so.
    """
    specification = {**chart.specification, "config": {**chart.specification["config"], "background": "white"}}
    for width, name in ((PAGE, chart.name), (COLUMN, f"{chart.name}-column")):
        yield f"{name}.{kind}", _written(svg(specification, round(width * PIXELS)), kind)


def _written(drawing: str, kind: FigureFormat) -> bytes:
    import vl_convert

    if kind == FigureFormat.PDF:
        # A unit of a drawing becomes a point there.
        return bytes(vl_convert.svg_to_pdf(_scaled(drawing, POINTS / PIXELS)))
    if kind == FigureFormat.PNG:
        return bytes(vl_convert.svg_to_png(drawing, scale=POINTS / PIXELS, ppi=DOTS))
    return drawing.encode()


def _scaled(drawing: str, factor: float) -> str:
    """Return a drawing that is shown at another size."""
    head, _, rest = drawing.partition(" viewBox=")
    before, width, height = head.rpartition(" width=")[0], *_sizes(head)
    return f'{before} width="{width * factor:g}" height="{height * factor:g}" viewBox={rest}'


def _sizes(head: str) -> tuple[float, float]:
    """Return width and height of a drawing by its root element."""
    width, height = head.rpartition(" width=")[2].split(" height=")
    return float(width.strip('"')), float(height.strip('"'))
