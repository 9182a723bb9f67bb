"""The part of the page that names the positives that are lost."""

import re
from dataclasses import replace
from html import unescape

import pytest

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.page import page, parts
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


PICTURE = "/9j/4AAQSkZJRgABAQ=="


def pictured(results, images):
    for facts in results.groups.values():
        facts["test_part"] = "part"
    return replace(results, thumbnails={"part": dict.fromkeys(images, PICTURE), "other": {"test0-000": "/9j/oooo"}})


def test_rows_have_their_pictures_as_many_as_a_page_may_carry(trial, monkeypatch):
    results = lossy(trial).results(citation="A 2016", licence="CC0-1.0")
    (board,) = leaderboard(results)
    second, first = board.lost  # the smaller is open
    shown = [one.identity for one in first.images[:ROWS_SHOWN]]
    html = section(pictured(results, [one.identity for level in board.lost for one in level.images][:-1]))
    found = re.findall(r'<img src="(.*?)" alt="(.*?)"', html)
    assert {source for source, _ in found} == {f"data:image/jpeg;base64,{PICTURE}"}
    assert "Pictures: A 2016; licence: CC0-1.0" in html
    monkeypatch.setattr(parts, "PICTURES_SHOWN", 12)
    html = section(pictured(results, [one.identity for level in board.lost for one in level.images]))
    assert [identity for _, identity in re.findall(r'<img src="(.*?)" alt="(.*?)"', html)] == shown[:12]
    assert second.images


def test_without_pictures_there_is_no_place_for_them(trial):
    html = section(lossy(trial).results(citation="A 2016", licence="CC0-1.0"))
    assert "<img" not in html
    assert "Picture" not in html
