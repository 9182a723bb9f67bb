"""The part of the page that names the positives that are lost."""

import re
from html import unescape

import pytest

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.page import page
from harness.reports.page.parts import ROWS_SHOWN
from harness.reports.publishing.page_header import report_place

pytestmark = pytest.mark.usefixtures("undrawn", "uncounted")


def section(results):
    found = re.search(r'<div class="part lost".*?<div class="part', page.render(results, report_place()), re.DOTALL)
    return found.group() if found else ""


def lossy(trial, seeds=(0, 1, 2, 3, 4)):
    made = trial(positives=60, negatives=40).entry("dense", 1.0, 5, seeds=seeds)
    for density, missed in ((0.5, 5), (0.25, 45)):
        made.entry("lt", density, missed, seeds=seeds).entry("snip", density, missed - 3, seeds=seeds)
    return made


def test_the_most_missed_are_rows_and_the_others_are_folded(trial):
    results = lossy(trial).results()
    (board,) = leaderboard(results)
    html = section(results)
    assert re.findall(r'<details class="level"( open)?><summary><strong>(.*?)</strong>', html) == [
        ("", "50%"),
        (" open", "25%"),
    ]
    for level, own in zip(board.lost, html.split('<details class="level"')[1:], strict=True):
        rows = re.findall(r'<tr><th scope="row">(test0-\d+)</th><td class="number">(.*?)</td>', own)
        wanted = [(one.identity, f"{len(one.entries)}/{len(level.entries)}") for one in level.images]
        assert rows == wanted[:ROWS_SHOWN]
        rest = re.findall(r"<code>(.*?)</code> (\d/\d)", own)
        assert rest == wanted[ROWS_SHOWN:]
    assert len(board.lost[1].images) > ROWS_SHOWN
    assert unescape(html).count("Agreement between networks") == 2 * 2  # a heading and a table's name, a level


def test_too_few_networks_are_told(trial):
    assert "Too few networks to say which positives are lost" in section(lossy(trial, seeds=(0, 1, 2)).results())


def test_nothing_pruned_loses_nothing(trial):
    assert section(trial(positives=20, negatives=20).entry("dense", 1.0, 5).results()) == ""
