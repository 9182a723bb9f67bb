"""The part of the page that says what each method is."""

import re
from html import unescape

import pytest

from harness.reports.page import page
from harness.reports.publishing.page_header import report_place

pytestmark = pytest.mark.usefixtures("undrawn", "uncounted")

TOLD = {"family": "my own", "description": "Trains & prunes.", "source": "A <b>2020</b>", "version": "m 1"}


def cards(results):
    """Return the text of each method's card."""
    html = page.render(results, report_place())
    section = re.search(r'<div class="part methods".*?</ul>', html, re.DOTALL)
    found = re.findall(r"<li>.*?</li>", section.group(), re.DOTALL) if section else []
    assert "<b>" not in "".join(found)
    return [" ".join(unescape(re.sub(r"<[^>]+>", " ", card)).split()) for card in found]


def test_each_method_says_what_it_is_and_does(bench, scores):
    bench.done("dense", 0, 1.0, scores())
    for entry in ("lt", "lt[rate=0.5]", "mine"):
        bench.done(entry, 0, 0.5, scores())
    for row in bench.rows:
        row["family"] = "my own" if row["method"] == "mine" else None
    mine, lt = cards(bench.results(methods={"mine": TOLD}))
    assert mine == "mine my own Trains & prunes. Paper A <b>2020</b> Version m 1"
    assert lt == "lt ticket Not told by the harness that ran it. 2 entries lt , lt[rate=0.5]"


def test_many_entries_are_folded(bench, scores):
    bench.done("dense", 0, 1.0, scores())
    for rate in range(1, 6):
        bench.done(f"lt[rate=0.{rate}]", 0, 0.5, scores())
        bench.done("snip", 0, rate / 10, scores())
    html = page.render(bench.results(), report_place())
    assert re.findall(r'<details class="note"( open)?><summary>5 entries', html) == [""]


def test_without_a_method_there_is_no_such_part(bench, scores):
    bench.done("dense", 0, 1.0, scores())
    bench.done("probe", 0, 1.0, scores())
    assert cards(bench.results()) == []
