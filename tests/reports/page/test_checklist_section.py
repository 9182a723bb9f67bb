"""The part of the page that answers a checklist."""

import re
from html import unescape

import pytest

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.page import page
from harness.reports.publishing.page_header import report_place
from harness.reports.words.checklist import checked

pytestmark = pytest.mark.usefixtures("undrawn", "uncounted")


def test_every_item_stands_there_with_its_answer_in_words(usual):
    (board,) = leaderboard(usual.results())
    html = page.render(usual.results(), report_place())
    section = re.search(r'<div class="part checklist".*?</details>', html, re.DOTALL).group()
    rows = re.findall(r'<tr><th scope="row">(.*?)</th><td>(.*?)</td><td>(.*?)</td></tr>', section)
    found = [tuple(unescape(re.sub(r"<[^>]+>", "", text)) for text in row) for row in rows]
    assert found == [(line.asked, line.answer, line.why) for line in checked(board)]
    assert "All 19 answers" in section
    assert re.findall(r'colspan="3">(.*?)<', section) == list(dict.fromkeys(line.group for line in checked(board)))
