import csv
import io

import pytest

from harness.reports.export.csv_export import to_csv


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("hostile", ["=cmd()", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\n=1"])
def test_formulas_are_neutralised(bench, hostile):
    bench.missing(hostile, 0, 0.5, "failed", hostile)
    (row,) = read(to_csv(bench.results()))
    assert row["entry"] == f"'{hostile}"
    assert row["reason"] == f"'{hostile}"


def test_numbers_and_harmless_text_stay_as_they_are(usual):
    results = usual.results()
    rows = read(to_csv(results))
    assert len(rows) == len(results.cells)
    assert [row["entry"] for row in rows] == list(results.cells["entry"])
    for name in ("threshold/sens95", "test/auc"):  # thresholds may be negative
        written = [float(row[name]) for row in rows if row["status"] == "done"]
        assert written == list(results.cells[name].dropna())


def test_a_failed_cell_has_empty_metrics_and_its_reason(usual):
    row = next(row for row in read(to_csv(usual.results())) if row["status"] == "diverged")
    assert (row["test/auc"], row["reason"]) == ("", "loss became NaN")
