"""A data set's report: one page, CSV and JSON, written whole into a folder."""

from pathlib import Path

from harness.reports.export.csv_export import to_csv
from harness.reports.export.results_json import document, to_json
from harness.reports.export.scores_export import SCORES, to_scores
from harness.reports.formatting import encoded
from harness.reports.page.page import render
from harness.reports.publishing.page_header import report_place
from harness.results.reading import Results
from harness.storage.disk import write_whole


def write(results: Results, folder: Path) -> Path:
    """Write the page, its cells, scores and ``results.json``, each whole or not at all; return the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "index.html"
    write_whole(folder / "cells.csv", encoded(to_csv(results)))
    write_whole(folder / SCORES, to_scores(results))
    write_whole(folder / "results.json", encoded(to_json(document(results))))
    write_whole(page, encoded(render(results, report_place())))
    return page
