"""The script of all charts: once per site, kept as long as a page loads it."""

import hashlib

import pytest

from harness.reports.page import assets
from harness.reports.page.assets import REPORT_MARK, looks
from harness.reports.publishing import publish as publish_module
from harness.reports.publishing import vega_file as module
from harness.reports.publishing.publish import write_site

LATER = {"started": "2026-02-01T00:00:00+00:00"}


def named(text):
    return f"vega-{hashlib.sha256(text.encode()).hexdigest()[:16]}.js"


@pytest.fixture
def harness(monkeypatch):
    """Return a function that makes today's harness one whose Vega and looks are others; its pages are stubs."""

    def become(text):
        for owner in (assets, module):
            monkeypatch.setattr(owner, "vega", lambda: text)
        own = f"{looks()[:-1]}{len(text)}"
        monkeypatch.setattr(publish_module, "looks", lambda: own)
        page = f'<meta name="generator" content="{REPORT_MARK} {own}"><script src="../../../../{named(text)}"></script>'
        monkeypatch.setattr(publish_module, "render", lambda *_: page)

    return become


def scripts(folder):
    return {path.name: path.read_text() for path in folder.rglob("*.js")}


def test_all_pages_share_one_file_named_after_its_content(harness, store, tmp_path):
    harness("charts")
    write_site(store, tmp_path)
    assert scripts(tmp_path) == {named("charts"): "charts"}
    assert (tmp_path / named("charts")).is_file()
    assert write_site(store, tmp_path).nothing_new


def test_what_someone_removed_comes_back(harness, store, tmp_path, tree):
    harness("charts")
    write_site(store, tmp_path)
    before = tree(tmp_path)
    (tmp_path / named("charts")).unlink()
    write_site(store, tmp_path)
    assert tree(tmp_path) == before


def test_an_older_file_stays_as_long_as_a_version_loads_it(harness, make, tmp_path):
    old, new = make("isic", network="big"), make("isic", network="big", seeds=(0, 1), **LATER)
    harness("v1")
    write_site([old], tmp_path)
    harness("v2+")
    write_site([new], tmp_path)
    assert scripts(tmp_path) == {named("v1"): "v1", named("v2+"): "v2+"}
    write_site([old], tmp_path)  # drawn anew, in place
    assert scripts(tmp_path) == {named("v2+"): "v2+"}


def test_other_peoples_scripts_stay(harness, store, tmp_path):
    theirs = {"vega-mine.js": "x", "vega-0123456789abcdef.js": "not its hash", "main.js": "y"}
    for name, text in theirs.items():
        (tmp_path / name).write_text(text)
    harness("charts")
    write_site(store, tmp_path)
    write_site(store, tmp_path)
    assert scripts(tmp_path) == {**theirs, named("charts"): "charts"}
