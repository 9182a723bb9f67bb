import base64
import json
import shutil

from harness.reports.page import assets
from harness.reports.page.assets import asset, inert_json, looks, picture


def test_the_looks_change_with_a_template_or_a_source(tmp_path, monkeypatch):
    copy = tmp_path / "reports"
    shutil.copytree(assets.REPORTS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(assets, "REPORTS", copy)
    before = looks.__wrapped__()
    assert before == looks()
    for name in ("page/templates/page.css", "words/verdicts.py", "formatting.py"):
        with open(copy / name, "a") as file:
            file.write("\n")
        assert looks.__wrapped__() != before
        before = looks.__wrapped__()


def test_data_for_the_charts_cannot_end_its_element_and_shows():
    value = {"entry": "</style><script>alert(1)</script>{% raw %}' onmouseover='\u202e</script x><!--", "n": [0.5]}
    assert not set("<>&") & set(inert_json(value))
    assert json.loads(inert_json(value)) == {**value, "entry": value["entry"].replace("\u202e", r"\u202e")}


def test_a_still_picture_shows_every_character():
    title = "a\u202e\x1b\u200b"
    drawn = picture({"title": title, "data": {"values": [{"x": 1}]}, "mark": "point", "encoding": {}})
    text = base64.b64decode(drawn.partition(",")[2]).decode()
    assert r"a\u202e\x1b\u200b" in text
    assert not set(title[1:]) & set(text)


def test_our_style_loads_nothing():
    style = asset("page.css")
    assert "url(" not in style
    assert "@import" not in style
