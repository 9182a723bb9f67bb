import csv
import io

import pytest

from harness.reports.export.csv_export import to_csv


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(
    ("hostile", "written"),
    [
        ("=cmd()", "'=cmd()"),
        ("+1", "'+1"),
        ("-1+2", "'-1+2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "'  =1"),
        ("\uff1d1", "'\uff1d1"),
        ("  \uff0b1", "'  \uff0b1"),
        ("\ufe631", "'\ufe631"),
        ("\uff20SUM(A1)", "'\uff20SUM(A1)"),
        ("a;=1; \uff1d2|@x", "a;'=1;' \uff1d2|'@x"),
        ("\t=1", r"\t=1"),
        ("\r=1", r"\r=1"),
        ("\n=1", r"\n=1"),
        ("\u00a0=1", r"\xa0=1"),
        ("\u200b=1", r"\u200b=1"),
        ("\ufeff\u3000=1", r"\ufeff\u3000=1"),
        ("\x00=1\x1b", r"\x00=1\x1b"),
    ],
)
def test_formulas_are_neutralised_and_nothing_hides(bench, hostile, written):
    bench.missing(hostile, 0, 0.5, "failed", hostile)
    (row,) = read(to_csv(bench.results()))
    assert row["entry"] == written
    assert row["reason"] == written


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
