import re

import pytest

from harness.reports.page import page
from harness.reports.page.assets import TEMPLATES
from harness.reports.page.parts import PARTS


def test_every_part_has_its_template_and_every_template_its_part():
    assert {f"{part.name}.html.j2" for part in PARTS} == {path.name for path in (TEMPLATES / "sections").iterdir()}


@pytest.mark.usefixtures("undrawn")
def test_parts_stand_in_their_order_and_the_contents_name_those_that_are_there(usual):
    html = page.render(usual.results(), "")
    shown = re.findall(r'<div class="part (\w+)" id="(\w+)-1">', html)
    assert shown == [(part.name, part.name) for part in PARTS if part.name in dict(shown)]
    titles = {part.name: part.title for part in PARTS}
    (contents,) = re.findall(r'<nav class="contents".*?</nav>', html, re.DOTALL)
    assert re.findall(r'<a href="#(\w+)-1">([^<]+)</a>', contents) == [(name, titles[name]) for name, _ in shown]
    assert {"answer", "trust", "leaderboard", "safety_map", "failures", "provenance", "limits"} <= dict(shown).keys()


@pytest.mark.usefixtures("undrawn")
def test_what_a_board_has_nothing_for_is_left_out(usual):
    html = page.render(usual.results(), "")
    assert not {"tuning-1", "loss_pairs-1", "submissions-1"} & set(re.findall(r'id="([\w-]+)"', html))
