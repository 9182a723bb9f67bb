"""Figures of a page: a still picture for each width, words, and data that nothing in them can end."""

import base64
import json
import re

from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.page import figures
from harness.reports.page.figures import answer_figures
from harness.reports.page.templating import template


def test_the_answer_has_two_figures_each_with_a_picture_for_narrow_screens(usual, monkeypatch):
    monkeypatch.setattr(figures, "picture", lambda _, width: f"data:,{width}")
    (board,) = leaderboard(usual.results())
    found = answer_figures(board)
    assert [one.chart.name for one in found] == ["difference-sensitivity", "difference-auc"]
    assert {(one.still, one.narrow) for one in found} == {("data:,640", "data:,340")}
    macro = template("chart.html.j2").module.figure(found[0], {"number": 2})
    assert 'id="difference-sensitivity-2"' in macro
    assert re.search(r'<source media="[^"]+" srcset="data:,340"><img src="data:,640" alt="Sensitivity[^"]+">', macro)
    data = re.search(r'<script type="application/json">(.*?)</script>', macro).group(1)
    assert json.loads(data)["data"]["values"][0]["entry"] == "lt"
    assert " style=" not in macro


def test_pictures_are_drawn_at_the_width_of_a_column_and_of_a_telephone(usual):
    (board,) = leaderboard(usual.results())
    (one, _) = answer_figures(board)
    for picture, width in ((one.still, 640), (one.narrow, 340)):
        assert f'width="{width}"' in base64.b64decode(picture.partition(",")[2]).decode()[:300]


def test_what_would_be_heavy_has_a_picture_where_it_must(usual, monkeypatch):
    (board,) = leaderboard(usual.results())
    monkeypatch.setattr(figures, "picture", lambda *_: "data:," + "x" * figures.HEAVY)
    sensitivity, auc = answer_figures(board)
    assert (len(sensitivity.narrow), auc.narrow) == (len(sensitivity.still), None)
    (trade_offs,), (networks,) = figures.trade_off_figures(board), figures.network_figures(board)
    assert trade_offs.still
    assert (trade_offs.narrow, networks.still, networks.narrow) == (None, None, None)
    macro = template("chart.html.j2").module.figure(networks, {"number": 1})
    assert "<img" not in macro
    assert "With so many entries it is drawn by a script alone." in macro
