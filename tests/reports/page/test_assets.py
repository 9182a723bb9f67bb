import json
import shutil

from harness.reports.page import assets
from harness.reports.page.assets import inert_json, looks, style


def test_the_looks_change_with_a_template_or_a_source(tmp_path, monkeypatch):
    copy = tmp_path / "reports"
    shutil.copytree(assets.REPORTS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(assets, "REPORTS", copy)
    before = looks.__wrapped__()
    assert before == looks()
    for name in ("page/templates/styles/base.css", "words/verdicts.py", "formatting.py"):
        with open(copy / name, "a") as file:
            file.write("\n")
        assert looks.__wrapped__() != before
        before = looks.__wrapped__()


def test_data_for_the_charts_cannot_end_its_element_and_shows():
    value = {"entry": "</style><script>alert(1)</script>{% raw %}' onmouseover='\u202e</script x><!--", "n": [0.5]}
    assert not set("<>&") & set(inert_json(value))
    assert json.loads(inert_json(value)) == {**value, "entry": value["entry"].replace("\u202e", r"\u202e")}


def test_our_style_loads_nothing():
    css = style()
    assert "url(" not in css
    assert "@import" not in css
