import re

import pytest

from harness.reports.analysis.estimates import calibration
from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.page import figures, page
from harness.reports.page.calibration_section import calibrated


@pytest.fixture
def results(trial):
    made = trial(positives=40, negatives=60).entry("dense", 1.0, 6)
    made.entry("lt", 0.5, 9).entry("random", 0.5, 25, control=True)
    return made.network("broken", 0.5, 0, None, status="failed", reason="no reason").results()


def test_dense_the_main_entries_and_controls_have_slope_and_offset(results):
    (board,) = leaderboard(results)
    found = calibrated(board)
    assert [(one.entry, one.density) for one in found] == [("dense", 1.0), ("lt", 0.5), ("random", 0.5)]
    for one in found:
        own = [cell for cell in board.cells if (cell.entry, cell.density) == (one.entry, one.density)]
        assert (one.slope, one.offset) == calibration(own)


def test_the_table_shows_them_with_their_intervals(results, monkeypatch):
    monkeypatch.setattr(figures, "figures", lambda *_, **__: [])
    (board,) = leaderboard(results)
    html = page.render(results, "").partition("<h2>Calibration and ROC")[2].partition("</details>")[0]
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", html, re.DOTALL)
    assert len(rows) == 3
    for row, one in zip(rows, calibrated(board), strict=True):
        text = " ".join(re.sub(r"<[^>]+>", " ", row).split())
        (low, high), (least, most) = one.slope.method, one.offset.method
        assert text == (
            f"{one.entry} {100 * one.density:g}% {one.slope.value:.2f} {low:.2f} to {high:.2f} "
            f"{one.offset.value:.2f} {least:.2f} to {most:.2f}"
        )
